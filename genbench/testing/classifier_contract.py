"""The checks of a model that only classifies: its probabilities, and what it has learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genbench.contracts.classifier import Classifier
from genbench.contracts.model import ModelCard
from genbench.core.seeding import stream
from genbench.downstream.classification import Direct
from genbench.testing.check import DoesNotApply, check, require
from genbench.testing.truths import Blobs

__all__ = ["classifies"]

POINTS, ROUNDING = 400, 1e-6  # by hand
RIGHT = 0.9  # share of labels of four groups that hardly meet; by hand: a perfect classifier is right in 0.9999


@check(
    expected="log p(y | x) [n, classes] that adds up to 1, is the same from the same seed, and names four far groups",
    meaning="probabilities in place of their logarithms, columns in the order of labels that occurred, or no learning",
    methods=("predict_log_proba", "learn"),
    error_rate=1e-9,
)
def classifies(card: ModelCard, params: Mapping[str, Any], device: str = "cpu", seed: int = 0) -> str:
    """A classifier gives log-probabilities of all classes, and learns four separate groups."""
    if not issubclass(card.factory, Classifier):
        raise DoesNotApply("it does more than classify")
    truth = Blobs()
    x, labels = truth.labelled_sample(POINTS, stream(seed, "train"))
    test, true = truth.labelled_sample(POINTS, stream(seed, "test"))
    first, second = (Direct(card, params).fit(x, labels, seed=seed).predict_log_proba(test) for _ in range(2))
    require(first.shape == (POINTS, 4), f"predict_log_proba gave shape {first.shape} for {(POINTS, 4)}")
    off = float(np.abs(np.exp(first).sum(axis=1) - 1).max())
    require(off < ROUNDING, f"probabilities of a point add up to 1 ± {off:.2g}")
    require(np.array_equal(first, second), "same seed, other probabilities", methods=("learn",))
    right = float((first.argmax(axis=1) == true).mean())
    require(right > RIGHT, f"{right:.0%} of the labels of four far groups are right", methods=("learn",))
    return f"{right:.1%} of the labels are right"
