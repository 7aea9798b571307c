#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The networks of 'atelier bench' in other engines: PyTorch, ONNX Runtime, OpenVINO and ncnn, each with the fastest of
# its settings in single precision, beside Atelier.
#
#   python3 -m venv /tmp/peers && /tmp/peers/bin/pip install -r tests/bench/requirements.txt
#   /tmp/peers/bin/python tests/bench/peers.py --atelier build/core/cli/atelier
#
# Time: each engine tries its settings alone, and the fastest one counts. Then in every round each engine runs once,
# one after the other and never two at a time, after a run that is not timed, as in 'atelier bench'. A run that other
# programs disturbed is repeated. Of all rounds the medians count; only those of the same row compare.
#
# Memory: 'atelier bench' tells the bytes of all that a run touches: parameters, also as kernels want them, input,
# output and what lies between. Of the others it is what the kernel says of their process: the peak during the first
# runs without files (libraries, for the most part), less what was there when the library had been imported, but no
# network. What they need while they load and convert a network does not count.
#
# A step of training is compared with PyTorch alone. GFLOP are those of direct convolutions, counted by PyTorch; that
# 'atelier bench' counts the same, and that each engine computes what PyTorch does, is checked.

import argparse
import contextlib
import importlib.metadata
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from cases import CASES
from engines import ENGINES, EngineError, Worker, export, serve, settings_of

TRIALS = 2              # runs of each setting, of which the fastest counts
OTHERS_SHARE = 0.15     # of the processors' time: other programs that take more disturb
PATIENCE = 60.0         # seconds that are spent for a case on waiting for other programs, and on runs that they disturb
GFLOP_TOLERANCE = 0.03  # 'atelier bench' counts the gradient of a training step's input, too


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return "unknown processor"


def processor_times():
    """Ticks of all processors since the system's start, those in which they worked, and those of this program."""
    ticks = [int(n) for n in pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:9]]
    ours = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")
    for child in multiprocessing.active_children():
        fields = pathlib.Path(f"/proc/{child.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ours += int(fields[11]) + int(fields[12])
    return sum(ticks), sum(ticks) - ticks[3] - ticks[4], ours


def share_of_others(before):
    """The part of the processors' time that other programs took since then."""
    total, busy, ours = (now - then for now, then in zip(processor_times(), before))
    return (busy - ours) / max(total, 1)


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = None    # of the files of a case
        self.failed = False
        self.machine = {"processor": processor(), "threads": options.threads, "rounds": options.rounds,
                        "versions": versions(options)}
        self.peaks = []    # GFLOPS
        self.patience = PATIENCE
        self.n_disturbed = 0

    def atelier(self, *words):
        command = [self.options.atelier, "bench", "--threads", str(self.options.threads), *words]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"{' '.join(command)}: {result.stderr.strip()}")
        return result.stdout

    def run_atelier(self, case):
        """What 'atelier bench' says of the case."""
        answer = json.loads(self.atelier("--json", "--rounds", "1", case.name))
        self.peaks.append(answer["fma_peak_gflops"])
        self.machine["instruction_set"] = answer["instruction_set"]
        return next(network for network in answer["networks"] if network["name"] == case.name)

    def complain(self, *words):
        say(": ".join(words))
        self.failed = True

    def start(self, function, arguments, environment=None):
        """Whatever a library keeps in files is kept in the temporary folder."""
        return Worker(function, (*arguments, self.folder, self.options.threads), self.folder / "log", {
            "OMP_NUM_THREADS": str(self.options.threads), "TMPDIR": str(self.folder),
            "TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor"), "TORCHINDUCTOR_COMPILE_THREADS": "1",
            **(environment or {})})

    def start_engine(self, engine, setting, case):
        """A worker, and the bytes that the network takes."""
        worker = self.start(serve, (engine, setting, case), ENGINES[engine].environment)
        try:
            return worker, worker.ask()
        except EngineError:
            worker.close()
            raise

    def wait_for_rest(self):
        """Until other programs do little, while there is patience."""
        start = time.monotonic()
        while time.monotonic() < start + self.patience:
            before = processor_times()
            time.sleep(0.2)
            if share_of_others(before) < OTHERS_SHARE:
                break
        self.patience -= time.monotonic() - start

    def turn(self, run, *arguments):
        """What a run returns that nothing disturbs, or the last one for want of patience."""
        while True:
            self.wait_for_rest()
            start, before = time.monotonic(), processor_times()
            result = run(*arguments)
            if share_of_others(before) < OTHERS_SHARE:
                return result
            if self.patience <= 0.0:
                self.n_disturbed += 1
                return result
            self.patience -= time.monotonic() - start

    def fastest_setting(self, engine, case):
        """None if the engine runs with none."""
        times = {}
        for setting in settings_of(engine, case):
            try:
                worker, _ = self.start_engine(engine, setting, case)
                with contextlib.closing(worker):
                    times[setting] = min(worker.ask() for _ in range(TRIALS))
            except EngineError as error:
                self.complain(case.name, engine, setting, str(error))
        for setting, seconds in times.items():
            say(f"{case.name}: {engine}, {setting}: {seconds * 1e3:.1f} ms")
        return min(times, key=times.get, default=None)

    def run_rounds(self, case, workers):
        """Milliseconds of all rounds by the engines' names, and what Atelier says last."""
        times = {engine: [] for engine in (*workers, "Atelier")}
        for _ in range(self.options.rounds):
            for engine, worker in workers.items():
                times[engine].append(self.turn(worker.ask) * 1e3)
            atelier = self.turn(self.run_atelier, case)
            times["Atelier"].append(atelier["ms"])
        return times, atelier

    def run(self, case):
        """The row of a case."""
        say(f"{case.name}: exporting")
        with contextlib.closing(self.start(export, (case,))) as worker:
            failures, gflop = worker.ask()
        for failure in failures.items():
            self.complain(case.name, *failure)

        settings = {engine: self.fastest_setting(engine, case) for engine in ENGINES}
        workers, memory = {}, {}
        with contextlib.ExitStack() as stack:
            for engine, setting in settings.items():
                if setting is not None:
                    workers[engine], memory[engine] = self.start_engine(engine, setting, case)
                    stack.enter_context(contextlib.closing(workers[engine]))
            self.patience, self.n_disturbed = PATIENCE, 0
            times, atelier = self.run_rounds(case, workers)

        memory["Atelier"] = atelier["peak_bytes"] - atelier["loaded_bytes"]
        gflop_there = atelier["ms"] * atelier["gflops"] * 1e-3
        # How much of a loss network is counted is a matter of taste.
        if case.loss != "style" and abs(gflop_there / gflop - 1.0) > GFLOP_TOLERANCE:
            self.complain(case.name, "not the same network",
                          f"{gflop:.1f} GFLOP, but {gflop_there:.1f} in 'atelier bench'")
        if self.n_disturbed > 0:
            say(f"{case.name}: other programs disturbed {self.n_disturbed} of {sum(map(len, times.values()))} runs")
        return row(case, gflop, settings, times, memory)


def row(case, gflop, settings, times, memory):
    engines = {engine: {"setting": settings.get(engine), "ms": statistics.median(times[engine]),
                        "ms_of_rounds": times[engine], "mib": memory[engine] / 2**20} for engine in times}
    peers = [engines[engine] for engine in engines if engine != "Atelier"]
    return {"name": case.name, "gflop": gflop, "engines": engines,
            "factor": min(peer["ms"] for peer in peers) / engines["Atelier"]["ms"] if peers else None,
            "share_of_memory": engines["Atelier"]["mib"] / min(peer["mib"] for peer in peers) if peers else None}


COLUMNS = (*ENGINES, "Atelier")
HEADINGS = {"ONNX Runtime": "ONNX RT"}


def print_head():
    names = "".join(f"{HEADINGS.get(engine, engine):>9}" for engine in COLUMNS)
    half = 9 * len(COLUMNS)
    print(f"{'':43} {'GFLOP':>6}{'milliseconds':>{half}} {'faster':>7}{'MiB':>{half}} {'share':>6}")
    print(f"{'':43} {'':>6}{names} {'':>7}{names} {'':>6}", flush=True)


def print_row(result):
    def cells(key, digits):
        numbers = (result["engines"].get(engine, {}).get(key) for engine in COLUMNS)
        return "".join(f"{'-':>9}" if number is None else f"{number:9.{digits}f}" for number in numbers)

    def cell(number, width):
        return f"{'-':>{width}}" if number is None else f"{number:{width}.2f}"

    print(f"{result['name']:43} {result['gflop']:6.1f}{cells('ms', 1)} {cell(result['factor'], 7)}"
          f"{cells('mib', 0)} {cell(result['share_of_memory'], 6)}", flush=True)


def versions(options):
    """Of Atelier and of what pip installed."""
    atelier = subprocess.run([options.atelier, "--version"], capture_output=True, text=True, check=True).stdout.split()
    packages = ("torch", "onnxruntime", "openvino", "ncnn", "pnnx")
    return {"atelier": atelier[-1], **{package: importlib.metadata.version(package) for package in packages}}


def main():
    parser = argparse.ArgumentParser(
        description="Times the networks of 'atelier bench' in PyTorch, ONNX Runtime, OpenVINO and ncnn, and in Atelier.",
        epilog="Needs what requirements.txt lists, a C++ compiler for PyTorch's own, and a machine without other work.")
    parser.add_argument("words", metavar="WORD", nargs="*", help="only cases whose name contains one of the words")
    parser.add_argument("--atelier", metavar="PATH", default="atelier", help="the program (the installed one)")
    parser.add_argument("--rounds", metavar="N", type=int, default=7, help="rounds, of which the medians count (7)")
    parser.add_argument("--threads", metavar="N", type=int, default=2, help="threads of every engine (2)")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write all numbers to a file, too")
    options = parser.parse_args()
    if options.rounds < 1 or options.threads < 1:
        parser.error("one round and one thread are the least")
    if shutil.which(options.atelier) is None:
        parser.error(f"there is no program '{options.atelier}'")
    cases = [case for case in CASES if not options.words or any(word in case.name for word in options.words)]
    if not cases:
        parser.error("no case is named so; there are " + "; ".join(case.name for case in CASES))

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))    # the workers and the folder go, too
    bench, results = Bench(options), []
    known = bench.atelier("--list").splitlines()
    print_head()
    for case in cases:
        if case.name not in known:
            print(f"{case.name:43} skipped: 'atelier bench' does not list it", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="atelier-peers-") as folder:
            bench.folder = pathlib.Path(folder)
            try:
                results.append(bench.run(case))
                print_row(results[-1])
            except EngineError as error:
                bench.complain(case.name, str(error))

    machine = bench.machine
    if results:
        machine["fma_peak_gflops"] = statistics.median(bench.peaks)
        print(f"\n{machine['processor']}, {options.threads} threads; FMA peak {machine['fma_peak_gflops']:.0f} GFLOPS "
              f"({machine['instruction_set']}); medians of {options.rounds} rounds")
    print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    print("MiB: what runs add to the loaded network; faster: the fastest peer's time over Atelier's; share: Atelier's "
          "memory over the leanest peer's")
    if options.json is not None:
        options.json.write_text(json.dumps({"machine": machine, "cases": results}, indent=2) + "\n", encoding="utf-8")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
