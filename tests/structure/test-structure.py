#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Holds the tree to the rules of the house, and each rule to a small planted tree whose offences it
# must find, all of them and nothing else.
#
#   test-structure.py TOP BUILD CLANG_FORMAT      the last empty if there is none

import json
import os
import sys
import tempfile

import rules

LICENCE = "/* SPDX-License-Identifier: GPL-3.0-or-later */\n"

# rule: (file: its text), places that must be complained about.
PLANTED = {
    "layers": ({
        "core/base/error.h": "",
        "core/base/low.c": '#include "base/error.h"\n#include "config.h"\n#include <glib.h>\n'
                           '#include "graph/graph.h"\n',
        "core/graph/graph.h": '#include "base/error.h"\n#include <gegl.h>\n',
        "core/weights/card.h": "",
        "core/nets/net.c": '#include "weights/card.h"\n#include "../weights/card.h"\n'
                           '#include <libgimp/gimp.h>\n',
        "core/image/tile.h": '#include <gegl.h>\n#include <babl/babl.h>\n#include <vips/vips.h>\n',
        "core/image/tile.c": '#include "tile.h"\n#include "weights/card.h"\n',
        "core/filters/a.h": '#include "image/tile.h"\n',
        "core/filters/a.c": '#include "a.h"\n#include <vips/vips.h>\n  #  include <cuda_runtime.h>\n',
        "core/train/t.h": "",
        "core/train/t.c": '#include "filters/a.h"\n#include <gegl.h>\n',
        "core/cli/main.c": '#include "train/t.h"\n#include "filters/a.h"\n#include <gtk/gtk.h>\n',
        "core/backends/cuda/conv.h": "",
        "core/backends/cuda/conv.c": '#include "conv.h"\n#include <cudnn.h>\n',
        "core/backends/choice.c": '#include "backends/cuda/conv.h"\n',
        "core/stray.c": "",
        "plugins/host/host.h": '#include <gegl.h>\n#include <gtk/gtk.h>\n',
        "plugins/up/up.c": '#include "host/host.h"\n#include <libgimp/gimp.h>\n'
                           '#include "filters/a.h"\n#include "train/t.h"\n',
        "tests/wild.c": '#include <libgimp/gimp.h>\n',
    }, [
        "core/base/low.c:4", "core/graph/graph.h:2", "core/nets/net.c:3", "core/image/tile.c:2",
        "core/filters/a.c:2", "core/filters/a.c:3", "core/train/t.c:1", "core/train/t.c:2",
        "core/cli/main.c:3", "core/backends/choice.c:1", "core/stray.c", "plugins/up/up.c:4",
    ]),
    "process_ends": ({
        "core/base/a.c": 'int a; /* abort () is never\ncalled */\nvoid f (void) { exit (1); }\n'
                         'const char *s = "exit (1) \\" abort ()";\n// g_assert (x)\n'
                         'g_error_free (e); on_exit_is (2);\ng_error ("x");\n',
        "core/cli/a.c": "g_assert_not_reached ();\n",
        "plugins/up/a.c": "\n_exit(3);\n",
        "tests/a.c": "abort ();\n",
    }, ["core/base/a.c:3", "core/base/a.c:7", "core/cli/a.c:1", "plugins/up/a.c:2"]),
    "json_parsers": ({
        "core/base/json.c": "json_from_string (text, NULL);\n",
        "core/train/a.c": "/* json_from_string () */\natl_json_parse (text, NULL);\n"
                          "json_from_string (text, NULL);\n",
        "plugins/up/json.c": "json_parser_load_from_data (p, text, -1, NULL);\n",
        "tests/a.c": "json_from_string (text, NULL);\n",
    }, ["core/train/a.c:3", "plugins/up/json.c:1"]),
    "licences": ({
        "core/base/good.c": LICENCE,
        "core/base/bad.c": "int a;\n",
        "core/base/late.h": "\n\n\n" + LICENCE,
        "tests/gimp/bad.py": "import os\n",
        "build-aux/bad": "#!/bin/sh\nexit 0\n",
        "build-aux/good": "#!/bin/sh\n# SPDX-License-Identifier: GPL-3.0-or-later\n",
        "tests/data.txt": "no program\n",
    }, ["build-aux/bad", "core/base/bad.c", "core/base/late.h", "tests/gimp/bad.py"]),
    "lengths": ({
        "core/base/fits.c": "\n" * 800,
        "core/base/long.c": "\n" * 801,
        "tests/long.py": "\n" * 900,
    }, ["core/base/long.c", "tests/long.py"]),
    "unfinished": ({
        "core/base/a.c": "/* TODOS are fine, */\n#if 0\n/* a TODO is not */\n#endif\n",
        "tests/a.c": "\n\n/* FIXME */\n#if 01\n",
    }, ["core/base/a.c:2", "core/base/a.c:3", "tests/a.c:3"]),
    "marked_files": ({
        "core/po/POTFILES": "core/base/good.c\ncore/base/none.c\n",
        "core/base/good.c": 'f (_ ("text"));\n',
        "core/base/none.c": '/* _ ("text") */\nf (_ (text), "a _ (b");\n',
        "core/base/table.c": '{ N_ (\n"text") }\n',
        "plugins/up/up.c": 'P_ ("one", "many", n);\n',
    }, ["core/base/table.c", "core/po/POTFILES", "plugins/up/up.c"]),
    "unmarked_messages": ({
        "core/base/good.c": 'g_set_error (e, D, C, _ ("it %s " PRIu64 " is wrong (%d)"), f ("x"), n);\n'
                            'atl_say ("upscale", "%s: %s", a, b);\n'
                            'atl_say (c, P_ ("one photo is", "%d photos are", n), n);\n'
                            '/* g_printerr ("all is lost"); */\n'
                            'g_printerr ("atelier %s: %s\\n", a, b);\n',
        "core/base/bad.c": 'g_set_error (e, D, C,\n "%s is wrong", a);\n'
                           'atl_say (c, ok ? _ ("it is well (yes)") : "it is not");\n'
                           'atl_say_usage (c, "no \\" %d good", 1);\n',
        "plugins/up/bad.c": 'g_prefix_error (&e, "the layer: ");\n',
        "tests/a.c": 'g_printerr ("all is lost");\n',
    }, ["core/base/bad.c:1", "core/base/bad.c:3", "core/base/bad.c:4", "plugins/up/bad.c:1"]),
    "headers_alone": ({
        "core/base/good.h": "#pragma once\ntypedef struct { int a; } Good;\n",
        "core/base/needs.h": "#pragma once\nsize_t f (void);\n",
        "core/base/twice.h": "typedef struct { int a; } Twice;\n",
        "core/base/sub/uses.h": '#pragma once\n#include "good.h"\n#ifndef FLAG\n#error\n#endif\n',
        "core/base/two.h": "#pragma once\n#if FLAG != 2\n#error\n#endif\n",
        "core/base/three.h": "#pragma once\n#if FLAG != 3\n#error\n#endif\n",
        "core/graph/other.h": "#pragma once\n",
        "plugins/host/nobody.h": "",
    }, ["core/base/needs.h", "core/base/three.h", "core/base/twice.h"]),
    "formatting": ({
        "core/base/good.c": "int a;\n",
        "core/base/bad.c": "int  a;\nint b;\nint   c;\n",
    }, ["core/base/bad.c:1", "core/base/bad.c:3"]),
}


def extra_arguments(rule, build, clang_format):
    return {"headers_alone": [build], "formatting": [clang_format]}.get(rule, [])


def plant(top, tree):
    for path, text in tree.items():
        path = os.path.join(top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def plant_build(top):
    """A build folder in which one file of core/base was compiled, in two ways."""
    commands = [f"cc -I{top}/core/base -Wall -Werror -DFLAG={flag} -MD -MQ a.o -MF a.d -o a.o "
                "-c ../core/base/a.c" for flag in (1, 2)]
    plant(top, {"build/compile_commands.json": json.dumps(
        [{"directory": f"{top}/build", "command": command, "file": "../core/base/a.c"}
         for command in commands])})
    return os.path.join(top, "build")


def finds_what_is_planted(rule, clang_format):
    """What the rule misses and what it invents in its planted tree."""
    tree, expected = PLANTED[rule]
    with tempfile.TemporaryDirectory() as top:
        plant(top, tree)
        build = plant_build(top)
        found = getattr(rules, rule)(top, *extra_arguments(rule, build, clang_format))
    places = {line.split(": ")[0] for line in found}
    return ([f"missed: {place}" for place in sorted(set(expected) - places)]
            + [f"invented: {line}" for line in found if line.split(": ")[0] not in expected])


def report(name, wrong):
    print(f"{'FAILED' if wrong else 'ok'} structure/{name}")
    for line in wrong:
        print(f"  {line}")
    return not wrong


def main():
    top, build, clang_format = sys.argv[1:]
    passed = True
    for rule in PLANTED:
        arguments = extra_arguments(rule, build, clang_format)
        name = rule.replace("_", " ")
        if "" in arguments:
            print(f"skipped structure/{name}: clang-format-19 is not installed")
            continue
        passed &= report(f"{name}: finds what is planted", finds_what_is_planted(rule, clang_format))
        passed &= report(name, getattr(rules, rule)(top, *arguments))
        if rule == "headers_alone" and not rules.has_plugins(top, build):
            print(f"skipped structure/{name} of plugins: built without GIMP")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
