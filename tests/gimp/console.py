# SPDX-License-Identifier: GPL-3.0-or-later
#
# A GIMP without a window that runs Script-Fu: settings and a small set of plug-ins of its own, so that it
# starts in two seconds and the user's settings are neither read nor changed.

import os
import re
import resource
import subprocess
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))

# Of GIMP's own plug-ins: the interpreter and what loads and saves the tests' files.
PLUG_INS = ("script-fu", "file-tiff", "file-png", "file-jpeg")


def quoted(text):
    """The text as a string of Scheme."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse(text):
    """What Scheme's write wrote: lists and vectors as lists, strings, numbers, symbols as text."""
    tokens = re.findall(r'"(?:\\.|[^"\\])*"|#?\(|\)|[^\s()]+', text)

    def value():
        token = tokens.pop(0)
        if token in ("(", "#("):
            items = []
            while tokens[0] != ")":
                items.append(value())
            tokens.pop(0)
            return items
        if token[0] == '"':
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        try:
            return float(token) if re.search(r"[.e]", token) else int(token)
        except ValueError:
            return token
    return value()


def read_results(path):
    """What (say KEY VALUE) wrote: {key: value}."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return dict(parse(line) for line in file)


def run_tests(suite, tests, make):
    """Runs tests, (name, function) each, with what make () makes in a folder of its own, and tells of each; the exit
    status."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="atelier-gimp-") as folder:
        for number, (name, function) in enumerate(tests):
            try:
                function(make(os.path.join(folder, str(number))))
                print(f"ok {suite}/{name}", flush=True)
            except Exception:   # the other tests are run all the same
                failed += 1
                why = traceback.format_exc().strip().splitlines()
                print(f"FAILED {suite}/{name}: {why[-1]}", flush=True)
    return 1 if failed else 0


class Gimp:
    """version: '2' or '3'. libdir: GIMP's folder that holds plug-ins/. plug_in: the built program."""

    def __init__(self, version, libdir, plug_in, home, models, more_plug_ins=(), more_settings=""):
        self.version, self.home = version, home
        folder = os.path.join(home, "plug-ins")
        name = os.path.basename(plug_in)
        os.makedirs(os.path.join(folder, name))
        os.symlink(os.path.abspath(plug_in), os.path.join(folder, name, name))
        for system in {*PLUG_INS, *more_plug_ins}:
            os.symlink(os.path.join(libdir, "plug-ins", system), os.path.join(folder, system))
        with open(os.path.join(home, "gimprc"), "w", encoding="utf-8") as file:
            file.write(f"(plug-in-path {quoted(folder)})\n(color-profile-policy keep)\n"
                       + more_settings)
        self.environment = dict(os.environ, GIMP2_DIRECTORY=home, GIMP3_DIRECTORY=home,
                                XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home, XDG_DATA_HOME=home,
                                ATELIER_MODEL_PATH=models, LC_ALL="C.UTF-8")

    def prelude(self, results):
        """Scheme that defines what common.scm does, in the words of this version of GIMP."""
        return (f"(define results-path {quoted(results)})\n"
                f"(load {quoted(os.path.join(HERE, f'gimp{self.version}.scm'))})\n"
                f"(load {quoted(os.path.join(HERE, 'common.scm'))})\n")

    def run(self, script, timeout, largest_file=resource.RLIM_INFINITY):
        """Runs the script, which tells what it finds by (say KEY VALUE): {key: value}, and what GIMP
        printed. 2.10 ends with status 0 whatever happens, so the results say how far it came.
        largest_file: bytes that a file can have, as if the disk were full then."""
        results = os.path.join(self.home, "results")
        source = os.path.join(self.home, "script.scm")
        with open(source, "w", encoding="utf-8") as file:
            file.write(self.prelude(results) + "\n" + script + "\n(close-output-port results)\n")

        command = [f"gimp-console-{'2.10' if self.version == '2' else '3.0'}",
                   "--no-interface", "--no-data", "--no-fonts", "--no-splash"]
        load = f"(load {quoted(source)})"
        if self.version == "2":
            command += ["-b", load, "-b", "(gimp-quit 0)"]
        else:
            command += ["--batch-interpreter=plug-in-script-fu-eval", "-b", load, "--quit"]
        try:
            run = subprocess.run(command, env=self.environment, timeout=timeout, text=True,
                                 errors="replace", stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                 restore_signals=False,   # SIGXFSZ stays ignored: writing fails
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                       (largest_file, largest_file)))
            output = run.stdout
        except subprocess.TimeoutExpired as late:
            output = f"{late.stdout}\nGIMP did not end within {timeout} s"

        return read_results(results), output
