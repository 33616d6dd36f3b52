"""The U-Net beside torchcfm's of its MNIST example: milliseconds and memory of a training step, one thread, in turn.

Run it as `python benchmarks/unet.py [--batch 64]` where torchcfm is installed (`make sooner`).

Theirs is `UNetModel(dim=(1, 28, 28), num_channels=32, num_res_blocks=1)`, as the example has it. Ours is the one that
`cfm` uses on pictures of that size by default; and, to compare like with like, one without patches, whose finest level
has 28×28 pixels as theirs has. A step is the flow-matching loss, its gradient and one of AdamW. Memory is the peak of a
process of its own above what it holds before the first step.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

SHAPE = (1, 28, 28)
Field = Callable[[Tensor, Tensor], Tensor]  # points (b, 784) and times (b, 1) to velocities (b, 784)


def ours() -> tuple[nn.Module, Field]:
    """Return the default network for pictures of 28×28."""
    import genbench
    from genbench.core.parameters import defaults
    from genbench.nn.backbones import time_network

    use = defaults(genbench.load_model("cfm").card, ("image", SHAPE))
    network = time_network(SHAPE, use["hidden"], use["depth"])
    return network, network


def ours_whole() -> tuple[nn.Module, Field]:
    """Return the same network without patches, with 32 channels and one residual block a level."""
    from genbench.nn import unet

    unet.LARGEST = 28
    network = unet.UNet(SHAPE, 32, 1)
    return network, network


def theirs() -> tuple[nn.Module, Field]:
    """Return torchcfm's network of its MNIST example."""
    from torchcfm.models.unet import UNetModel

    network = UNetModel(dim=SHAPE, num_channels=32, num_res_blocks=1)
    return network, lambda x, t: network(t.reshape(-1), x.unflatten(1, SHAPE)).flatten(1)


NETWORKS = {"ours": ours, "ours without patches": ours_whole, "torchcfm": theirs}


def stepper(name: str, batch: int) -> tuple[int, Callable[[], None]]:
    """Return the number of parameters of a network, and what does one training step of it."""
    torch.manual_seed(0)
    network, field = NETWORKS[name]()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    x1 = torch.randn(batch, 784)

    def step() -> None:
        x0, t = torch.randn_like(x1), torch.rand(batch, 1)
        loss = (field((1 - t) * x0 + t * x1, t) - (x1 - x0)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return sum(p.numel() for p in network.parameters()), step


def memory(name: str, batch: int) -> float:
    """Return the peak megabytes of three steps in this process, above what it held before."""
    _, step = stepper(name, batch)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit / 2**20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batch", type=int, default=64, help="pictures in a batch (64)")
    parser.add_argument("--repeats", type=int, default=9, help="steps of each network that are timed (9)")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory:
        print(json.dumps(memory(options.memory, options.batch)))
        return
    peaks = {}
    for name in NETWORKS:  # before this process grows: a child's peak begins at its parent's
        command = [sys.executable, __file__, "--batch", str(options.batch), "--memory", name]
        peaks[name] = float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    steppers = {name: stepper(name, options.batch) for name in NETWORKS}
    times: dict[str, list[float]] = {name: [] for name in NETWORKS}
    for repeat in range(options.repeats + 1):
        for name, (_, step) in steppers.items():
            begin = time.perf_counter()
            step()
            if repeat:  # the first warms up
                times[name].append(1000 * (time.perf_counter() - begin))
    print(f"| batch {options.batch} | parameters | ms a step | MB |\n| --- | ---: | ---: | ---: |")
    for name, (parameters, _) in steppers.items():
        print(f"| {name} | {parameters:,} | {statistics.median(times[name]):.0f} | {peaks[name]:.0f} |")


if __name__ == "__main__":
    main()
