#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# build-aux/tally counts what ran, and is not deceived by programs that crash, hang or say nothing.
#
#   test-tally.py TALLY

import json
import os
import subprocess
import sys
import tempfile

TWO_OK = "ok a/one\nok a/two\n"


def tally(*programs):
    """The last line and the exit status of a tally of (status, stdout[, result]) programs."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "testlog.json")
        with open(log, "w", encoding="utf-8") as file:
            for status, stdout, *result in programs:
                file.write(json.dumps({"name": "a", "returncode": status, "stdout": stdout,
                                       "result": result[0] if result else "", "duration": 1.0})
                           + "\n")
        run = subprocess.run([sys.argv[1], log], capture_output=True, text=True, check=False)
    return run.stdout.splitlines()[-1], run.returncode


# name: programs, last line, exit status.
CASES = {
    "passes": ([(0, TWO_OK), (0, TWO_OK)], "4 passed, 0 failed, 0 skipped", 0),
    "failure": ([(1, TWO_OK + "FAILED a/three\n  ok so far\n"), (0, TWO_OK)],
                "4 passed, 1 failed, 0 skipped", 1),
    "skipped": ([(0, TWO_OK + "skipped a/three: no\n"), (77, "skipped a/one: no\n")],
                "2 passed, 0 failed, 2 skipped", 0),
    "crash after two": ([(-11, TWO_OK)], "2 passed, 1 failed, 0 skipped", 1),
    "valgrind's status": ([(99, TWO_OK)], "2 passed, 1 failed, 0 skipped", 1),
    "hangs": ([(-15, TWO_OK, "TIMEOUT")], "2 passed, 1 failed, 0 skipped", 1),
    "says nothing": ([(0, "")], "0 passed, 1 failed, 0 skipped", 1),
    "failed and ends with 0": ([(0, "ok a/one\nFAILED a/two\n")], "1 passed, 2 failed, 0 skipped", 1),
    "ends with 1 and none failed": ([(1, TWO_OK)], "2 passed, 1 failed, 0 skipped", 1),
}


def main():
    failed = False
    for name, (programs, line, status) in CASES.items():
        found = tally(*programs)
        good = found == (line, status)
        failed |= not good
        print(f"{'ok' if good else 'FAILED'} tally/{name}")
        if not good:
            print(f"  found {found}, expected {(line, status)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
