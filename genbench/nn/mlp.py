"""A plain multilayer perceptron."""

import itertools

from torch import nn


def mlp(inputs: int, hidden: int, depth: int, outputs: int) -> nn.Sequential:
    """Fully connected network with SiLU activations and a linear read-out.

    Args:
        inputs: Width of the input, at least 1.
        hidden: Width of every hidden layer.
        depth: Number of hidden layers; 0 gives one affine map.
        outputs: Width of the output.

    Returns:
        A module that maps ``(..., inputs)`` to ``(..., outputs)``. Its last module is the linear read-out.
    """
    widths = [inputs] + [hidden] * depth
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))
