"""Classifier two-sample test: can a classifier distinguish samples from test points?"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.metrics.mmd2 import median_distance

__all__ = ["c2st", "c2st_auc", "out_of_fold"]

Features = NDArray[np.float32]

POINTS = 5_000  # of each kind; chosen by hand: more see smaller faults and take longer
FOLDS = 5  # the usual number of folds
SCALES = (0.25, 0.5, 1, 2, 4)  # bandwidths over the median distance, as in `mmd2`
FREQUENCIES = 100  # random Fourier features of each bandwidth; chosen by hand: power against time
RIDGE = 0.1  # λ, chosen by hand: small beside the thousands of points in Φ'Φ, and enough for it to have an inverse
REACH = 10.0  # standard deviations, chosen by hand: points beyond are clipped, so that an outlier sets no scale


@register_metric("c2st", family="two-sample test", label="C2ST", order=100, ratio=False)
def c2st(evidence: Evidence) -> Score:
    """Accuracy of a classifier between samples and test points, out of fold; ½ is perfect.

    See Lopez-Paz & Oquab (2017). The standard error is that of a perfect model: √((1 + 2/π) / 4N) for N points. It is
    larger than the √(1/4N) of N independent guesses, because the folds share their points: if x and x' in two folds are
    similar by chance, x' in training helps with x, and x in training helps with x'. So the part of sign f that is
    linear in f, 2/π of its variance, counts twice.
    """
    truth, model = evidence.once("out_of_fold", lambda: out_of_fold(evidence))
    correct = 0.5 + 0.25 * float(np.sign(truth).mean() - np.sign(model).mean())
    return Score(correct, math.sqrt((1 + 2 / math.pi) / (8 * len(truth))))


@register_metric("c2st_auc", family="two-sample test", label="C2ST AUC", order=105, ratio=False)
def c2st_auc(evidence: Evidence) -> Score:
    """Chance that the classifier of `c2st` ranks a test point above a sample; ½ is perfect.

    It is the area under the curve (AUC): the classifier finds the test point more like the truth. The standard error is
    that of a perfect model, with 1 + 3/π for the shared folds: a rank, uniform where f is normal, has 3/π of its
    variance in the part that is linear in f.
    """
    truth, model = evidence.once("out_of_fold", lambda: out_of_fold(evidence))
    n = len(truth)
    ordered = np.sort(model)
    below = np.searchsorted(ordered, truth, "left") + np.searchsorted(ordered, truth, "right")  # ties count half
    return Score(float(below.mean()) / (2 * n), math.sqrt((1 + 3 / math.pi) * (2 * n + 1) / 12) / n)


def out_of_fold(evidence: Evidence) -> tuple[Array, Array]:
    """Return the out-of-fold scores of a ridge classifier: [n] of test points, [n] of samples.

    A positive score means "truth". It is least squares of ±1 on the features φ in closed form: β = (Φ'Φ + λI)⁻¹ Φ'y,
    where Φ'Φ and Φ'y of the other folds are those of all folds minus those of the fold.

    Raises:
        GenbenchError: there are fewer test points or fewer samples than folds.
    """
    n = min(len(evidence.samples), len(evidence.test), POINTS) // FOLDS * FOLDS
    if n == 0:
        raise GenbenchError(f"a two-sample test needs at least {FOLDS} samples and as many test points; draw more")
    rng = evidence.rng("c2st")
    x, y = (points[:n][rng.permutation(n)] for points in (evidence.samples, evidence.test))
    phi = features(_by_fold(y, x).reshape(2 * n, -1), evidence.test[:n], rng).reshape(FOLDS, 2 * n // FOLDS, -1)
    label = np.repeat([1.0, -1.0], n // FOLDS)
    scores = _ridge(phi, label)
    return scores[:, label > 0].ravel(), scores[:, label < 0].ravel()


def features(x: Array, reference: Array, rng: np.random.Generator) -> Features:
    """Return the features φ(x) [n, 1 + d + 500] of points x [n, d].

    They are 1, x standardised, and random Fourier features √(2/D) cos(ωx + b). The Fourier features approximate
    Gaussian kernels of five bandwidths (Rahimi & Recht 2007). The scales depend only on the reference points, so that
    no model changes them. Single precision suffices, because its errors are far smaller than the ridge.
    """
    mean, std = reference.mean(axis=0), reference.std(axis=0)
    std[std == 0] = 1
    z, y = (np.clip((points - mean) / std, -REACH, REACH) for points in (x, reference[:1000]))
    h = median_distance(y)
    omega = np.concatenate([rng.standard_normal((FREQUENCIES, z.shape[1])) / (c * h) for c in SCALES])
    line = np.column_stack([np.ones(len(z)), z]).astype(np.float32)  # (n, 1 + d)
    waves = line @ np.column_stack([rng.uniform(0, 2 * np.pi, len(omega)), omega]).astype(np.float32).T
    np.cos(waves, out=waves)
    waves *= np.float32(math.sqrt(2 / FREQUENCIES))
    return np.concatenate([line, waves], axis=1)


def _ridge(phi: Features, label: Array) -> Array:
    """Return the scores [folds, b] of features φ [folds, b, p] with labels [b] in each fold, by the other folds."""
    from scipy.linalg import cho_factor, cho_solve

    moment = label.astype(np.float32) @ phi  # (folds, p)
    grams = [part.T @ part for part in phi]  # (p, p) of each fold
    total = sum(grams, start=RIDGE * np.eye(phi.shape[2]))
    scores = []
    for part, gram, own in zip(phi, grams, moment, strict=True):
        others = cho_factor(total - gram, overwrite_a=True, check_finite=False)
        beta = cho_solve(others, moment.sum(axis=0) - own, check_finite=False)
        scores.append(part @ beta.astype(np.float32))
    return np.array(scores, dtype=np.float64)


def _by_fold(y: Array, x: Array) -> Array:
    """Return the points [folds, 2n / folds, d]; each fold has as many of y as of x, y first."""
    shape = (FOLDS, len(y) // FOLDS, -1)
    return np.concatenate([y.reshape(shape), x.reshape(shape)], axis=1)
