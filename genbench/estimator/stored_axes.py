"""Independent axes, stored with weights: a search on another machine may find others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genbench.numerics.independent_axes import IndependentAxes
from genbench.training.checkpoint import misfits

__all__ = ["with_axes", "without_axes"]

NAMES = MEAN, UNMIXING = ("axes: mean", "axes: unmixing")  # no tensor of a module can have such a name


def with_axes(weights: Mapping[str, Any], units: object) -> dict[str, Any]:
    """Return weights by name, with those of the axes if the change of units has any."""
    if not isinstance(units, IndependentAxes):
        return dict(weights)
    import torch

    return {**weights, MEAN: torch.as_tensor(units.mean), UNMIXING: torch.as_tensor(units.unmixing)}


def without_axes(weights: Mapping[str, Any], d: int) -> tuple[IndependentAxes | None, dict[str, Any], list[str]]:
    """Return the axes among some weights, the other weights, and what is wrong, as text.

    Args:
        d: number of coordinates.
    """
    axes = {name: weights[name] for name in NAMES if name in weights}
    others = {name: value for name, value in weights.items() if name not in axes}
    if not axes:
        return None, others, []
    if wrong := misfits({MEAN: np.empty(d), UNMIXING: np.empty((d, d))}, axes):
        return None, others, wrong
    found = IndependentAxes.of(*(axes[name].numpy().astype(np.float64) for name in NAMES))
    return found, others, [] if found else [f"{UNMIXING} has no inverse"]
