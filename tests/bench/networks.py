# SPDX-License-Identifier: GPL-3.0-or-later
#
# The networks in PyTorch, a step of their training, and their export to what the other engines read.

import ast
import functools
import pathlib

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

TESTS = pathlib.Path(__file__).resolve().parents[1]


@functools.cache
def definitions(path):
    """The functions and classes of a script that makes golden values, without making them."""
    wanted = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    script = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    script.body = [statement for statement in script.body if isinstance(statement, wanted)]
    names = {"__name__": pathlib.Path(path).stem.replace("-", "_")}    # exported with the classes
    exec(compile(script, path, "exec"), names)
    return names


class StyleLoss(nn.Module):
    """The lesson's loss of a style network: Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style
    Transfer and Super-Resolution", ECCV 2016, with the features of VGG16-bn before the poolings 2 to 5."""

    TAPS = ((128, 0.025), (256, 0.275), (512, 5.0), (512, 0.2))    # channels, weight of the style
    CONTENT = 2             # the tap whose features are compared themselves
    CONTENT_LAYERS = 33     # as many layers of VGG lead to it
    CONTENT_WEIGHT = 1e4

    def __init__(self):
        super().__init__()
        self.vgg = definitions("nets/make-architectures.py")["Vgg16"]()
        # Those of a style picture are computed once, before the training: any numbers do here.
        self.grams = nn.ParameterList(torch.zeros(n, n) for n, _ in self.TAPS)

    @staticmethod
    def gram(features):
        n, c, h, w = features.shape
        flat = features.reshape(n, c, h * w)
        return flat @ flat.transpose(1, 2) * (1e6 / (c * h * w))

    def forward(self, output, photo):
        with torch.no_grad():
            content = self.vgg.features[:self.CONTENT_LAYERS](self.vgg.input(photo))
        taps = self.vgg(output)[1:]
        loss = nn.functional.mse_loss(taps[self.CONTENT], content) * self.CONTENT_WEIGHT
        for tap, gram, (_, weight) in zip(taps, self.grams, self.TAPS):
            loss = loss + weight * nn.functional.mse_loss(self.gram(tap), gram.expand(len(tap), -1, -1))
        return loss


LOSSES = {None: nn.Identity, "MSE": nn.MSELoss, "BCE": nn.BCEWithLogitsLoss, "style": StyleLoss}


def make(case):
    """The network and its loss, as one module so that one file keeps the parameters of both."""
    architectures = definitions("nets/make-architectures.py")
    net = {
        "sr-resnet x2": lambda: definitions("train/make-training-step.py")["SrResnet"](2, 64, 8),
        "sr-resnet x4": lambda: definitions("train/make-training-step.py")["SrResnet"](4, 64, 8),
        "style-resnet": lambda: architectures["StyleResnet"](32),
        "unet34": lambda: architectures["Unet34"](1),
    }[case.network]()
    both = nn.ModuleDict({"net": net.train(case.loss is not None), "loss": LOSSES[case.loss]().eval()})
    both["loss"].requires_grad_(False)
    return both


def load(case, folder):
    """What export () saved; nothing else takes memory."""
    with torch.device("meta"):
        both = make(case)
    both.load_state_dict(torch.load(folder / "parameters.pt"), assign=True)
    return both


def target_of(case, output, x):
    """A style network is trained to keep the photo's content."""
    return x if case.loss == "style" else torch.rand_like(output)


def training_step(case, folder, layout):
    """A function that makes a step, as 'atelier bench' does: forward, loss, backward, Adam."""
    both = load(case, folder).to(memory_format=layout)
    net, loss = both["net"], both["loss"]
    x = torch.from_numpy(np.load(folder / "x.npy")).to(memory_format=layout)
    with torch.no_grad():
        target = target_of(case, net(x), x).contiguous(memory_format=layout)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-6, fused=True)

    def step():
        optimizer.zero_grad()
        value = loss(net(x), target)
        value.backward()
        optimizer.step()
        return value.detach()

    return step


def gflop(case):
    """Of the convolutions, two operations for each multiply-add. The shapes alone are computed."""
    with torch.device("meta"):
        both = make(case)
        x = torch.rand(case.shape)
    with FlopCounterMode(display=False) as counter:
        output = both["net"](x)
        if case.loss is not None:
            both["loss"](output, target_of(case, output, x)).backward()
    counts = counter.get_flop_counts()["Global"]
    return sum(count for operator, count in counts.items() if "convolution" in str(operator)) * 1e-9


def export_onnx(net, x, folder):
    torch.onnx.export(net, (x,), folder / "net.onnx", dynamo=False, input_names=["x"], output_names=["y"])


def export_openvino(net, x, folder):
    """Of the ONNX file, which is read without the converter that reports its use to its makers."""
    import openvino
    openvino.save_model(openvino.Core().read_model(folder / "net.onnx"), folder / "net.xml", compress_to_fp16=False)


def export_ncnn(net, x, folder):
    import pnnx
    pnnx.export(net, str(folder / "net.pt"), (x,), fp16=False)


def export_compiled(net, x, folder):
    """PyTorch's own compiler, with constants folded and weights packed. It needs a C++ compiler."""
    torch._inductor.aoti_compile_and_package(torch.export.export(net, (x,)), package_path=str(folder / "net.pt2"),
                                             inductor_configs={"freezing": True})


def export(case, folder, threads):
    """Writes a case's network for each engine, an input and the output. Yields what failed, by the engines' names, and
    the GFLOP of a run."""
    torch.manual_seed(1)
    torch.set_num_threads(threads)    # as many as compiled code will use
    with torch.no_grad():
        both = definitions("nets/make-architectures.py")["fill"](make(case)).float()
    torch.save(both.state_dict(), folder / "parameters.pt")
    x = torch.rand(case.shape)
    np.save(folder / "x.npy", x.numpy())

    failures = {}
    if case.loss is None:
        net = load(case, folder)["net"]
        conversions = {"PyTorch, compiled": export_compiled, "ONNX Runtime": export_onnx,
                       "OpenVINO": export_openvino, "ncnn": export_ncnn}
        with torch.no_grad():
            np.save(folder / "y.npy", net(x).numpy())
            for engine, convert in conversions.items():
                try:
                    convert(net, x, folder)
                except Exception as error:    # whatever a converter raises
                    failures[engine] = str(error)
    yield failures, gflop(case)
