"""The labels of a conditional model: checked, counted, and drawn for its samples.

They are drawn as often as they occur in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator
from genbench.core.types import Array, Labels

__all__ = ["ClassLabels", "whole_labels"]


@dataclass(frozen=True)
class ClassLabels:
    """The classes 0 … k − 1 that a model was trained with.

    Attributes:
        model: its name in errors.
        frequencies: frequency of each label in training, [k].
    """

    model: str
    frequencies: Array

    @classmethod
    def of(cls, model: str, labels: Labels, classes: int | None) -> ClassLabels:
        """Return the classes of training labels [n].

        Their number is `classes` if given, and otherwise one more than the largest label.

        Raises:
            GenbenchError: a label is not one of these classes.
        """
        k = classes or 1 + int(labels.max())
        if labels.max() >= k:
            raise GenbenchError(f"{model}: label {labels.max()} is not one of the {k} classes 0 to {k - 1}")
        return cls(model, np.bincount(labels, minlength=k) / len(labels))

    def __len__(self) -> int:
        return len(self.frequencies)

    def asked(self, labels: Any, n: int, seed: int) -> Labels:
        """Return the labels [n] of samples.

        They are the given ones, a single one repeated, or, for None, drawn with their frequencies.

        Raises:
            GenbenchError: they are not n whole numbers, or one is not a class.
        """
        if labels is None:
            return generator(seed, "labels").choice(len(self), n, p=self.frequencies)
        y = whole_labels(self.model, np.full(n, labels) if np.ndim(labels) == 0 else labels, n, "samples")
        if n and y.max() >= len(self):
            raise GenbenchError(f"{self.model} was not trained with label {y.max()}; use 0 to {len(self) - 1}")
        return y


def whole_labels(model: str, labels: Any, n: int, what: str) -> Labels:
    """Return labels as int64 [n].

    Raises:
        GenbenchError: there are no labels, or they are not n whole numbers from 0 on.
    """
    if labels is None:
        remedy = "choose a dataset with classes, or a model that is not conditional"
        raise GenbenchError(f"{model} is conditional and needs the labels of its {what}; {remedy}")
    y = np.asarray(labels)
    whole = y.dtype.kind in "iu"
    if not whole or y.shape != (n,) or (n and y.min() < 0):
        found = f"{y.dtype} {y.shape}" + (f" with {y.min()}" if whole and y.size else "")
        raise GenbenchError(f"{model} needs labels [{n}] of its {what}, whole numbers from 0 on, got {found}")
    return y.astype(np.int64)
