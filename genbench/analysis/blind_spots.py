"""Metrics that do not see how coordinates depend on each other, by dimension, as `genbench selftest` measures it."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

__all__ = ["MEASURED", "is_blind"]

MEASURED = Path(__file__).parent / "blind_spots.json"  # written by benchmarks/blind_spots.py
SEEN = 0.5  # share of draws of a fault in which a metric must notice it; by hand: more often than not


def is_blind(metric: str, dim: int | None) -> bool:
    """Whether a metric misses a wrong dependence of coordinates more often than not, in some number of dimensions.

    The fault is a model with the truth's margins and rank correlations whose dependence is a Gaussian's otherwise. What
    counts is the nearest dimension, by its logarithm, that was measured; False where nothing is known.
    """
    powers = _powers()
    if dim is None or not powers:
        return False
    nearest = min(powers, key=lambda known: abs(math.log(known / dim)))
    return powers[nearest].get(metric, 1.0) < SEEN


@cache
def _powers() -> dict[int, dict[str, float]]:
    """Return the power of each metric by dimension."""
    measured = json.loads(MEASURED.read_text())
    return {int(dim): powers for dim, powers in measured["power"].items()}
