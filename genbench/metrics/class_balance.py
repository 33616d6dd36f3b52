"""Whether samples show the classes as often as real images do."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.types import Array
from genbench.metrics.recognition import recognition

__all__ = ["balance", "class_balance", "scarce"]


@register_metric("class_balance", family="images", higher_is_better=True, needs=("labels",), order=144)
def class_balance(evidence: Evidence) -> Score:
    """Σ min(p, q) for the shares p and q of the classes among samples and test images: 1 is perfect.

    It is 1 less the total variation: 0.9 means that a tenth of the samples would have to show other classes. Both
    shares are those that the classifier sees, so that it errs on both sides alike. Samples are finitely many, so that a
    perfect model gets what the oracle gets, less than 1. Classes with less than half of their share, by more than four
    standard errors, are flagged.
    """
    seen = recognition(evidence)
    classes = seen.test.probabilities.shape[1]
    named = (part.probabilities.argmax(axis=1) for part in (seen.samples, seen.test))
    p, q = (np.bincount(k, minlength=classes).astype(np.float64) for k in named)  # how often a class is the likeliest
    return Score(balance(p, q), flag=scarce(p, q))


def balance(p: Array, q: Array) -> float:
    """Return the overlap Σ min(p, q) of two distributions of the same classes, given by their counts [k]."""
    return float(np.minimum(p / p.sum(), q / q.sum()).sum())


def scarce(p: Array, q: Array) -> str | None:
    """Return a warning that names the classes of which samples show less than half as many as test images do.

    With n samples, a share is q/2 by chance with a standard error of √(q/2 (1 − q/2) / n).
    """
    n, half = p.sum(), q / q.sum() / 2
    few = np.flatnonzero(p / n < half - 4 * np.sqrt(half * (1 - half) / n))
    shares = [f"{k} ({p[k] / n:.1%} instead of {2 * half[k]:.1%})" for k in few]
    return f"too few samples of class {', '.join(shares)}" if shares else None
