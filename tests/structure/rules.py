# SPDX-License-Identifier: GPL-3.0-or-later
#
# The rules of the house that can be read off the sources. Each rule is a function of the top folder
# that returns its violations, one line of text each; an empty list is a clean tree.

import json
import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

SOURCES = (".c", ".h", ".cu", ".cuh")
ROOMS = ("core", "plugins", "tests", "models", "build-aux")

# What a file of a folder may include besides its own folder.
BELOW = {
    "base": [],
    "backends": ["base"],
    "graph": ["backends", "base"],
    "weights": ["graph", "backends", "base"],
    "nets": ["weights", "graph", "backends", "base"],
    "image": ["graph", "backends", "base"],
    "filters": ["image", "nets", "weights", "graph", "backends", "base"],
    "train": ["image", "nets", "weights", "graph", "backends", "base"],
    "cli": ["filters", "train", "image", "nets", "weights", "graph", "backends", "base"],
    "plugins": ["filters", "image", "nets", "weights", "graph", "backends", "base"],
}

# Other people's headers that only some folders know.
FENCES = [
    (r"(libgimp|libgimpwidgets|gtk|gdk|gdk-pixbuf)/|gimp|gtk", ["plugins"]),
    (r"gegl|babl/", ["plugins", "core/filters", "core/image"]),
    (r"vips/", ["core/image"]),
    (r"cairo", ["core/train", "plugins"]),
    (r"cuda|cudnn|cublas|nccl|curand|nvrtc", ["core/backends/cuda"]),
    (r"mpi\.h", ["core/train"]),
]

# Inside GIMP these take the user's unsaved pictures along.
ENDS_PROCESS = re.compile(
    r"\b(abort|exit|_exit|_Exit|quick_exit|assert|g_error|g_abort|g_assert\w*)\s*\(")

# Recurses as deep as the file says: atl_json_parse () looks first.
DEEP_PARSER = re.compile(r"\b(json_from_string|json_parser_load_from_\w+)\s*\(")

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|^\s*#\s*if\s+0\b", re.MULTILINE)

LONGEST = 800

POTFILES = "core/po/POTFILES"

STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
MARKED = re.compile(r'\b(?:_|N_|P_) ?\(\s*"')
# All of the strings, with macros for numbers between them.
MARKED_STRINGS = re.compile(r'\b(?:_|N_|P_) ?\((?:\s*(?:"(?:\\.|[^"\\\n])*"|PRI\w+),?)+')
# What is written to people: messages of errors, and what the commands say.
SAYING = re.compile(r"\b(?:g_set_error(?:_literal)?|g_prefix_error|g_printerr|atl_say(?:_usage)?) ?\(")


def files(top, rooms, endings):
    """Paths relative to top, sorted, of the files below some rooms with some endings."""
    found = []
    for room in rooms:
        for folder, folders, names in os.walk(os.path.join(top, room)):
            folders[:] = [f for f in folders if f != "__pycache__"]
            found += [os.path.relpath(os.path.join(folder, n), top)
                      for n in names if n.endswith(endings)]
    return sorted(found)


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as file:
        return file.read()


def code_of(text):
    """The text with comments and strings blanked, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  blank, text, flags=re.DOTALL)


def without_comments(text):
    """The text with comments blanked, line numbers kept."""
    def blank(match):
        return match.group() if match.group()[0] == '"' else re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.DOTALL)


def arguments_at(text, begin):
    """The text from behind an opening parenthesis to the one that closes it."""
    depth = 1
    for token in re.finditer(r'"(?:\\.|[^"\\\n])*"|[()]', text[begin:]):
        depth += {"(": 1, ")": -1}.get(token.group(), 0)
        if depth == 0:
            return text[begin:begin + token.start()]
    return text[begin:]


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def layer_of(path):
    """The folder of the layering rule that a path belongs to, or None."""
    parts = path.split(os.sep)
    if parts[0] == "plugins":
        return "plugins"
    return parts[1] if parts[0] == "core" and len(parts) > 2 else None


def resolve(top, path, name):
    """The path of a quoted include, or None if it is no file of ours."""
    for folder in (os.path.dirname(path), "core", "plugins", ""):
        candidate = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(os.path.join(top, candidate)):
            return candidate
    return None


def wrong_include(top, path, name):
    """What is wrong with including 'name' in the file 'path', or None."""
    ours = resolve(top, path, name)
    if ours is None:
        for pattern, homes in FENCES:
            if re.match(pattern, name) and not path.startswith(tuple(h + "/" for h in homes)):
                return f"'{name}' belongs to {' and '.join(homes)}"
        return None

    here, there = layer_of(path), layer_of(ours)
    if there is None:
        return f"'{name}' is no part of core or plugins"
    if there != here and there not in BELOW.get(here, []):
        return f"'{name}' is in {there}, which is not below {here}"
    if ours.startswith("core/backends/cuda/") and not path.startswith("core/backends/cuda/"):
        return f"'{name}' belongs to core/backends/cuda"
    return None


def layers(top):
    """A file includes only from its own folder and those below, and respects the fences."""
    wrong = []
    for path in files(top, ("core", "plugins"), SOURCES):
        if layer_of(path) not in BELOW:
            wrong.append(f"{path}: the folder is no layer of the design")
            continue
        text = read(top, path)
        for include in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', text,
                                   re.MULTILINE):
            complaint = wrong_include(top, path, include.group(1))
            if complaint:
                wrong.append(f"{path}:{line_of(text, include.start())}: {complaint}")
    return wrong


def process_ends(top):
    """Nothing in core or plugins ends the process."""
    wrong = []
    for path in files(top, ("core", "plugins"), SOURCES):
        code = code_of(read(top, path))
        for call in ENDS_PROCESS.finditer(code):
            wrong.append(f"{path}:{line_of(code, call.start())}: {call.group(1)} ends the process")
    return wrong


def json_parsers(top):
    """JSON is parsed by core/base/json.c alone."""
    wrong = []
    for path in files(top, ("core", "plugins"), SOURCES):
        if path == os.path.join("core", "base", "json.c"):
            continue
        code = code_of(read(top, path))
        for call in DEEP_PARSER.finditer(code):
            wrong.append(f"{path}:{line_of(code, call.start())}: {call.group(1)}, "
                         "but atl_json_parse is safe from deep texts")
    return wrong


def scripts(top):
    """Programs without an ending: the first line names an interpreter."""
    found = []
    for path in files(top, ("build-aux", "tests", ".ci"), ("",)):
        with open(os.path.join(top, path), "rb") as file:
            if file.read(2) == b"#!":
                found.append(path)
    return found


def own_sources(top):
    return sorted(set(files(top, ROOMS, SOURCES + (".py", ".sh", ".scm"))) | set(scripts(top)))


def licences(top):
    """Each source says its licence in its first lines."""
    return [f"{path}: no SPDX line" for path in own_sources(top)
            if "SPDX-License-Identifier: GPL-3.0-or-later"
            not in "".join(read(top, path).splitlines(True)[:3])]


def lengths(top):
    """A file of more than 800 lines has more than one subject."""
    counts = {path: read(top, path).count("\n") for path in own_sources(top)}
    return [f"{path}: {n} lines, the longest may have {LONGEST}"
            for path, n in counts.items() if n > LONGEST]


def unfinished(top):
    """Nothing is left for later, or left over, in the code."""
    wrong = []
    for path in files(top, ("core", "plugins", "tests"), SOURCES):
        text = read(top, path)
        wrong += [f"{path}:{line_of(text, mark.start())}: left undone or dead: {mark.group().strip()}"
                  for mark in UNFINISHED.finditer(text)]
    return wrong


def marked_files(top):
    """POTFILES names the files with marked strings: no other is looked into for messages."""
    listed = read(top, POTFILES).split()
    marked = [path for path in files(top, ("core", "plugins"), SOURCES)
              if MARKED.search(without_comments(read(top, path)))]
    return ([f"{path}: has marked strings, but {POTFILES} does not name it"
             for path in marked if path not in listed]
            + [f"{POTFILES}: {path} has no marked strings" for path in listed if path not in marked]
            + [f"{POTFILES}: not sorted, or a name is there twice"] * (listed != sorted(set(listed))))


def unmarked_messages(top):
    """What functions say to people is marked, unless it is of one word or none: '%s: %s', 'atelier'."""
    wrong = []
    for path in files(top, ("core", "plugins"), SOURCES):
        text = without_comments(read(top, path))
        for call in SAYING.finditer(text):
            said = "".join(STRING.findall(MARKED_STRINGS.sub("", arguments_at(text, call.end()))))
            if len(re.findall(r"[A-Za-z]{2,}", re.sub(r"%[-+ #0-9.*]*[a-z]+", " ", said))) > 1:
                wrong.append(f"{path}:{line_of(text, call.start())}: a message that nobody can translate: "
                             f"{said}")
    return wrong


def formatting(top, clang_format):
    """clang-format would change nothing."""
    sources = files(top, ("core", "plugins", "tests"), SOURCES)
    result = subprocess.run([clang_format, "--dry-run", "--Werror", "--style=file", *sources],
                            cwd=top, capture_output=True, text=True, check=False)
    wrong = re.findall(r"^(\S+?:\d+):\d+: error: ", result.stderr, re.MULTILINE)
    if result.returncode != 0 and not wrong:
        return [result.stderr]
    return [f"{place}: clang-format lays this out otherwise" for place in wrong]


def compile_arguments(build):
    """For each folder with compiled files: the compiler and options of each, fit for a file that lies
    there, without repetitions: one source may be compiled several times, with other macros."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    arguments = {}
    for entry in commands:
        words = shlex.split(entry["command"])
        source = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        kept, skip = [], False
        for word in words:
            if skip:
                skip = False
            elif word in ("-o", "-MF", "-MQ", "-MT"):
                skip = True
            elif word not in ("-c", "-MD", entry["file"]):
                kept.append(word)
        there = arguments.setdefault(os.path.dirname(source), [])
        if (kept, entry["directory"]) not in there:
            there.append((kept, entry["directory"]))
    return arguments


def has_plugins(top, build):
    """Whether plug-ins are built: without their options their headers cannot be compiled."""
    room = os.path.join(top, "plugins") + os.sep
    return any(folder.startswith(room) for folder in compile_arguments(build))


def headers_alone(top, build):
    """Each header of core, and of the plug-ins' host if that is built, compiles alone, twice included."""
    arguments = compile_arguments(build)

    def complaint(path):
        room = os.path.join(top, path.split(os.sep)[0])
        near = [os.path.dirname(os.path.join(top, path))]
        while near[-1] != room:
            near.append(os.path.dirname(near[-1]))
        near += sorted(folder for folder in arguments if folder.startswith(room))
        if os.path.basename(near[0]) == "gimp3" and near[0] not in arguments:
            return None   # built for GIMP 2.10
        folder = next((folder for folder in near if folder in arguments), None)
        if folder is None and room.endswith("plugins"):
            return None   # see has_plugins ()
        if folder is None:
            return f"{path}: nothing is built of {os.path.basename(room)}, so it cannot be compiled"
        text = f'#include "{os.path.join(top, path)}"\n' * 2
        for words, directory in arguments[folder]:
            result = subprocess.run([*words, "-fsyntax-only", "-Wno-unused-function", "-x", "c", "-"],
                                    input=text, cwd=directory, capture_output=True, text=True,
                                    check=False)
            if result.returncode == 0:
                return None
        return f"{path}: does not compile alone:\n{result.stderr}"

    headers = [path for path in files(top, ("core", "plugins"), (".h",))
               if not path.startswith("core/backends/cuda/")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [line for line in pool.map(complaint, headers) if line]
