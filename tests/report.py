# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a test program in Python prints for build-aux/tally: 'ok SUITE/NAME', 'FAILED SUITE/NAME: why' or 'skipped
# SUITE/NAME: why' for each test.


class Report:
    def __init__(self, suite):
        self.suite = suite
        self.passed = True

    def check(self, name, function, *arguments):
        """Calls the function; its AssertionError is a test that failed."""
        try:
            function(*arguments)
            print(f"ok {self.suite}/{name}")
        except AssertionError as wrong:
            print(f"FAILED {self.suite}/{name}: {wrong}")
            self.passed = False

    def skip(self, name, why):
        print(f"skipped {self.suite}/{name}: {why}")

    def status(self):
        """What the program ends with."""
        return 0 if self.passed else 1
