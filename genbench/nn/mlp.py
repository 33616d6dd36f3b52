"""A plain multilayer perceptron."""

import itertools

from torch import nn


def mlp(inputs: int, hidden: int, depth: int, outputs: int) -> nn.Sequential:
    """Return a fully connected network (..., inputs) -> (..., outputs) with SiLU activations.

    It has `depth` hidden layers of width `hidden`; 0 gives one affine map. Its last module is the linear read-out.
    """
    widths = [inputs] + [hidden] * depth
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))
