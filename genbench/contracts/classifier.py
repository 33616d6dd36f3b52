"""The contract of a model that only classifies, for comparison with generative ones."""

from __future__ import annotations

from typing import Any

from genbench.contracts.model import Model
from genbench.core.errors import GenbenchError
from genbench.core.types import Array, Labels

__all__ = ["Classifier"]


class Classifier(Model):
    """A model of p(y | x) alone, registered with `tasks=("classify",)`.

    A subclass writes `learn` and `predict_log_proba` on standardised points; images come as rows of their pixels.
    """

    def learn(self, x: Array, labels: Labels, classes: int) -> None:
        """Learn from points x [n, d] and labels [n] of 0 … classes − 1.

        Some classes may be missing among the labels.
        """
        raise NotImplementedError

    def predict_log_proba(self, x: Array) -> Array:
        """Return log p(y | x) in nats, [n, classes], for points x [n, d].

        It is −inf for a class that was missing in training.
        """
        raise NotImplementedError

    def fit(self, x: Array) -> Any:
        """Raise an error: a classifier needs labels."""
        raise GenbenchError(f"{self.card.name} only classifies; use genbench.load_classifier, or --task classify")
