"""Classifier two-sample tests with the classifiers of others, to compare with papers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.errors import GenbenchError
from genbench.core.seeding import stream

__all__ = ["c2st_mlp", "c2st_trees"]

POINTS = 10_000  # of each kind, as in sbibm
FOLDS = 5  # as in sbibm
EPOCHS = 1_000  # at most, as in sbibm; training stops where ten epochs bring nothing


@register_metric("c2st_mlp", family="two-sample test", label="C2ST (MLP)", order=106, ratio=False, variant=True)
def c2st_mlp(evidence: Evidence) -> Score:
    """Accuracy, out of fold, of sbibm's neural network between samples and test points.

    See Lueckmann et al. (2021). The network has two hidden layers of 10·d units. There are five folds, and points are
    standardised by the mean and standard deviation of the test points; ½ is perfect. It takes minutes in many
    dimensions.
    """
    from sklearn.neural_network import MLPClassifier

    width = 10 * evidence.samples.shape[1]
    seed = stream(evidence.seed, "c2st_mlp") % 2**32
    return _accuracy(evidence, MLPClassifier((width, width), max_iter=EPOCHS, random_state=seed))


@register_metric("c2st_trees", family="two-sample test", label="C2ST (trees)", order=107, ratio=False, variant=True)
def c2st_trees(evidence: Evidence) -> Score:
    """Accuracy, out of fold, of gradient-boosted trees between samples and test points.

    ½ is perfect. Trees detect steps, spikes and repeated values, which smooth classifiers miss.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    seed = stream(evidence.seed, "c2st_trees") % 2**32
    return _accuracy(evidence, HistGradientBoostingClassifier(random_state=seed))


def _accuracy(evidence: Evidence, classifier: Any) -> Score:
    """Return the mean accuracy over the folds; its standard error is that of as many independent guesses.

    Raises:
        GenbenchError: there are fewer points of a kind than folds.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from threadpoolctl import threadpool_limits

    n = min(len(evidence.samples), len(evidence.test), POINTS)
    if n < FOLDS:
        raise GenbenchError(f"a two-sample test needs at least {FOLDS} samples and as many test points; draw more")
    x, y = evidence.samples[:n], evidence.test[:n]
    mean, std = y.mean(axis=0), y.std(axis=0)
    std[std == 0] = 1
    points = (np.concatenate([y, x]) - mean) / std
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=stream(evidence.seed, "folds") % 2**32)
    with threadpool_limits(1):  # threads of trials side by side wait for each other, ten times as long
        found = cross_val_score(classifier, points, np.repeat([0, 1], n), cv=folds)
    return Score(float(found.mean()), math.sqrt(0.25 / (2 * n)))
