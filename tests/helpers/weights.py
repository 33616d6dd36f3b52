"""Weights of models, side by side."""

from collections.abc import Mapping

import torch


def same_weights(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> bool:
    """Whether two state dicts have the same names and, bit for bit, the same tensors."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
