/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The errors of Atelier's own making. What the system reports keeps its own domain (G_FILE_ERROR,
 * G_IO_ERROR), and a cancelled run is always G_IO_ERROR_CANCELLED, for which no host shows a message.
 *
 * A message names in the user's words where it happened, what was found, what was expected and, if
 * there is something, what to do; names stand in single quotes; there is no full stop.
 */

#pragma once

#include <glib.h>

#include "base/visibility.h"

G_BEGIN_DECLS

#define ATL_ERROR (atl_error_quark ())

typedef enum
{
  ATL_ERROR_ARGUMENT, /* a parameter or option is unknown or out of range */
  ATL_ERROR_FORMAT,   /* a file is damaged or of an unknown kind */
  ATL_ERROR_SHAPE,    /* a tensor or picture has another shape than needed */
  ATL_ERROR_MODEL,    /* no weight file, or one for another task */
  ATL_ERROR_MEMORY,   /* the work does not fit into memory or on disk */
  ATL_ERROR_RESULT,   /* a network computed NaN, infinity or a constant */
  ATL_ERROR_TRAINING  /* training diverged or its data cannot be used */
} AtlError;

ATL_PUBLIC GQuark atl_error_quark (void);

/* Sets ATL_ERROR_MEMORY, naming 'what' and the mebibytes asked for. */
void atl_error_set_memory (GError **error, const char *what, size_t n_bytes);

/* Sets ATL_ERROR_FORMAT with a message in the words of printf (), and returns FALSE for the caller to return. */
gboolean atl_error_set_format (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
