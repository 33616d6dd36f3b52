"""Whether the classes are as frequent among samples as among real images."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.types import Array
from genbench.metrics.recognition import recognition

__all__ = ["balance", "class_balance", "scarce"]


@register_metric("class_balance", family="images", higher_is_better=True, needs=("labels",), order=144)
def class_balance(evidence: Evidence) -> Score:
    """Σ min(p, q) for the shares p and q of the classes among samples and test images.

    1 is perfect. It is 1 minus the total variation: 0.9 means that a tenth of the samples would have to show other
    classes. The same classifier counts both shares, so that its errors affect both sides. The number of samples is
    finite, so that a perfect model gets the oracle's score, which is less than 1. Classes with less than half of their
    share, by more than four standard errors, are flagged.
    """
    seen = recognition(evidence)
    classes = seen.test.probabilities.shape[1]
    named = (part.probabilities.argmax(axis=1) for part in (seen.samples, seen.test))
    p, q = (np.bincount(k, minlength=classes).astype(np.float64) for k in named)  # how often a class is the likeliest
    return Score(balance(p, q), flag=scarce(p, q))


def balance(p: Array, q: Array) -> float:
    """Return the overlap Σ min(p, q) of two distributions over the same classes.

    Both are given by their counts [k].
    """
    return float(np.minimum(p / p.sum(), q / q.sum()).sum())


def scarce(p: Array, q: Array) -> str | None:
    """Return a warning with the classes that samples show less than half as often as images.

    The images are the test images.

    With n samples, the standard error of a share q/2 is √(q/2 (1 − q/2) / n).
    """
    n, half = p.sum(), q / q.sum() / 2
    few = np.flatnonzero(p / n < half - 4 * np.sqrt(half * (1 - half) / n))
    shares = [f"{k} ({p[k] / n:.1%} instead of {2 * half[k]:.1%})" for k in few]
    return f"too few samples of class {', '.join(shares)}" if shares else None
