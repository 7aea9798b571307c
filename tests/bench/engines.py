# SPDX-License-Identifier: GPL-3.0-or-later
#
# The engines, each in a process of its own that holds a network and runs it when it is told to. While another has
# its turn the process is stopped, so that it may let its threads spin.
#
# An engine is a generator: it yields when its library is imported, so that what the library takes can be told from
# what the network does, and then yields the function that runs the network and returns the output.

import collections
import ctypes
import multiprocessing
import os
import pathlib
import signal
import sys
import time
import traceback
import unittest.mock

import numpy as np

WARM_UPS = 2        # ncnn's first run is several times slower
TOLERANCE = 1e-3    # of the largest number of the output

# Atelier asks the system for large pages.
LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}

# PyTorch returns its memory after every operator, and glibc returns large blocks to the system: page faults would be a
# good part of its time. The others keep what they have.
KEPT_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=17179869184"
                                ":glibc.malloc.trim_threshold=17179869184"}


def pytorch(case, folder, threads, setting):
    import networks
    import torch
    from torch._inductor import aoti_load_package
    torch.set_num_threads(threads)
    yield

    if case.loss is not None:
        yield networks.training_step(case, folder, getattr(torch, setting))
        return

    x = torch.from_numpy(np.load(folder / "x.npy"))
    if setting == "compiled":
        net = aoti_load_package(str(folder / "net.pt2"))
    else:
        layout = getattr(torch, setting)
        net, x = networks.load(case, folder)["net"].to(memory_format=layout), x.to(memory_format=layout)

    def run():
        with torch.inference_mode():
            return net(x)
    yield run


def onnx_runtime(case, folder, threads, setting):
    import onnxruntime
    yield

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if setting == "spinning" else "0")
    session = onnxruntime.InferenceSession(folder / "net.onnx", options, providers=["CPUExecutionProvider"])
    x = np.load(folder / "x.npy")
    yield lambda: session.run(None, {"x": x})[0]


def openvino(case, folder, threads, setting):
    import openvino as ov
    yield

    network = ov.Core().compile_model(folder / "net.xml", "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": setting == "pinned"})
    request = network.create_infer_request()
    x = np.load(folder / "x.npy")
    request.set_input_tensor(ov.Tensor(x, shared_memory=True))

    def run():
        request.infer()
        return request.get_output_tensor().data
    yield run


def ncnn(case, folder, threads, setting):
    import ncnn as library
    yield

    net = library.Net()
    options = library.Option()
    options.num_threads = threads
    options.lightmode = setting != "all kept"
    options.use_sgemm_convolution = setting != "no GEMM"
    options.use_winograd_convolution = options.use_packing_layout = True
    options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
    options.use_bf16_packed = options.use_bf16_storage = options.use_vulkan_compute = False
    pools = library.UnlockedPoolAllocator(), library.PoolAllocator()
    options.blob_allocator, options.workspace_allocator = pools
    net.opt = options
    if net.load_param(str(folder / "net.ncnn.param")) != 0 or net.load_model(str(folder / "net.ncnn.bin")) != 0:
        raise RuntimeError("ncnn cannot read the network")
    x = np.load(folder / "x.npy")[0]
    picture = library.Mat(x)    # of the same memory

    def run():
        extractor = net.create_extractor()
        extractor.input("in0", picture)
        status, output = extractor.extract("out0")
        if status != 0:
            raise RuntimeError(f"ncnn returns {status}")
        return output
    yield run


Engine = collections.namedtuple("Engine", "load settings step_settings environment")

LAYOUTS = ("contiguous_format", "channels_last")

# The settings are those that are the fastest for some case; for a training step there is PyTorch alone.
ENGINES = {
    "PyTorch": Engine(pytorch, (*LAYOUTS, "compiled"), LAYOUTS, KEPT_PAGES),
    "ONNX Runtime": Engine(onnx_runtime, ("spinning", "waiting"), (), LARGE_PAGES),
    "OpenVINO": Engine(openvino, ("pinned", "unpinned"), (), LARGE_PAGES),
    "ncnn": Engine(ncnn, ("lightmode", "no GEMM", "all kept"), (), LARGE_PAGES),
}


def settings_of(engine, case):
    return ENGINES[engine].settings if case.loss is None else ENGINES[engine].step_settings


def resident():
    """The process' memory in bytes, by the kernel's names."""
    lines = pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) << 10 for line in lines if line.endswith(" kB")}


def check(output, case, folder):
    """A loss is a number, and an output is PyTorch's."""
    output = np.array(output)
    expected = output if case.loss is not None else np.load(folder / "y.npy")
    difference = np.abs(output.reshape(expected.shape) - expected).max() / np.abs(expected).max()
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the output differs from PyTorch's by {difference:.2g} of the largest number")


def export(*arguments):
    """Yields what networks.export () does; PyTorch is imported in a process of its own here, too."""
    import networks
    yield from networks.export(*arguments)


def serve(engine, setting, case, folder, threads):
    """Yields the bytes that runs add to the loaded network, and then for ever the seconds of a run."""
    stages = ENGINES[engine].load(case, folder, threads, setting)
    next(stages)
    run = next(stages)

    ctypes.CDLL(None).malloc_trim(0)
    loaded = resident()["RssAnon"]
    pathlib.Path("/proc/self/clear_refs").write_text("5", encoding="ascii")    # VmHWM begins anew
    for _ in range(WARM_UPS):
        run()
    after = resident()
    check(run(), case, folder)
    yield after["VmHWM"] - after["RssFile"] - loaded    # of files are libraries, and parameters that are not copied

    while True:
        run()    # as 'atelier bench' before its rounds
        start = time.perf_counter()
        run()
        yield time.perf_counter() - start


class EngineError(Exception):
    """An engine did not do its part."""


class Worker:
    """A process that goes through a generator: a step whenever it is asked, and stopped in between."""

    def __init__(self, function, arguments, log, environment):
        self.connection, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(
            target=work, args=(theirs, function, arguments, log), daemon=True)
        with unittest.mock.patch.dict(os.environ, environment):
            self.process.start()
        theirs.close()

    def ask(self):
        """What the generator yields next; an error if it raises one, or the process dies."""
        self.signal(signal.SIGCONT)
        try:
            self.connection.send(True)
            result, failure = self.connection.recv()
        except (EOFError, OSError):
            result, failure = None, "the process died, maybe for want of memory"
        if failure is not None:
            raise EngineError(failure)
        self.signal(signal.SIGSTOP)
        return result

    def signal(self, number):
        if self.process.is_alive():
            os.kill(self.process.pid, number)

    def close(self):
        self.connection.close()
        self.signal(signal.SIGCONT)
        self.process.join(10.0)
        self.process.kill()
        self.process.join()


def work(connection, function, arguments, log):
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for output in (sys.stdout, sys.stderr):
        os.dup2(file, output.fileno())    # converters tell much
    results = function(*arguments)
    try:
        while connection.recv():
            connection.send((next(results), None))
    except EOFError:
        pass    # no more is asked
    except Exception as error:    # whatever a library raises
        traceback.print_exc()
        connection.send((None, str(error) or type(error).__name__))
