#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes brushes.jpg from Picture_1A_by_freespace.jpg of Debian's package lomiri-wallpapers, which says
# where it comes from and under which licence; see README.md. Needs Pillow; tests do not run it.
#
#   make-photos.py Picture_1A_by_freespace.jpg

import os
import sys

from PIL import Image

photo = Image.open(sys.argv[1]).convert("RGB").crop((0, 0, 1360, 1072))
photo.resize((680, 536), Image.Resampling.LANCZOS).save(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "brushes.jpg"), quality=95, subsampling=0)
