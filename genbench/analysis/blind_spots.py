"""Metrics that miss how coordinates depend on each other, by dimension, as measured."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

__all__ = ["MEASURED", "is_blind"]

MEASURED = Path(__file__).parent / "blind_spots.json"  # written by benchmarks/blind_spots.py
T = TypeVar("T")

# Both by hand: standard deviations of the truth's own scores, less than which is lost in the noise of a training run;
# and times the truth's score, less than which trained models differ by anyway, whatever they have learnt of dependence.
DEVIATIONS, TIMES = 5.0, 1.5


def is_blind(metric: str, dim: int | None, samples: int) -> bool:
    """Whether a metric hardly detects a wrong dependence of coordinates.

    It depends on the number of samples and of dimensions. The fault is a model with the truth's margins and rank
    correlations, but otherwise with the dependence of a Gaussian. A metric detects it if its score is five standard
    deviations worse than the truth's and, where scores are compared by quotients, at least one and a half times as bad.
    The nearest measured numbers are used, by their logarithms; False if nothing is known.
    """
    if dim is None:
        return False
    by_dim = _nearest(_measured(), max(samples, 1))
    found = _nearest(by_dim, dim).get(metric, {})
    return found.get("deviations", math.inf) < DEVIATIONS or found.get("times", math.inf) < TIMES


def _nearest(measured: Mapping[int, T], number: int) -> T:
    return measured[min(measured, key=lambda known: abs(math.log(known / number)))]


@cache
def _measured() -> dict[int, dict[int, dict[str, dict[str, float]]]]:
    """Return how much worse than the truth each metric scores the fault, by number of samples and of dimensions."""
    measured = json.loads(MEASURED.read_text())["measured"]
    return {int(n): {int(dim): scores for dim, scores in by_dim.items()} for n, by_dim in measured.items()}
