"""Checks that log-densities from outside belong to the test points.

Some are exact; some are statistical tests.
"""

from __future__ import annotations

import shlex

import numpy as np

from genbench.contracts.dataset import Sizes, SyntheticDataset
from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.numerics.standardiser import Standardiser

__all__ = ["MISSED", "check_density_points", "unrelated_density"]

SAME = 1e-5  # of the largest value; by hand: points that were kept as float32 are the same to 1e-7
MISSED = 0.001  # how often log-densities of other points pass one of the two tests
QUANTILE = 3.0902  # of the normal distribution, at 1 − MISSED
FEWEST = 100  # points, by hand: with fewer, the quantile of the normal distribution is too rough
FIRST = 2_000  # points whose neighbours are looked for, by hand: in 0.1 s; a correlation is then known to 0.03
FLAT = 1e-9  # nats; a truth that varies less is constant up to rounding


def check_density_points(trial: ResolvedTrial, log_prob: Array, points: Array | None, source: str) -> None:
    """Refuse log-densities that cannot be those of the test points of a trial.

    Args:
        log_prob: log-densities [m].
        points: what they belong to [m, *shape]; the first m test points in their order. Without it, there is one
            log-density for each test point, or for each of those that the protocol asks for.
        source: what errors call the log-densities.

    Raises:
        GenbenchError: there is another number of them, or the points are others.
    """
    test, seed = trial.splits.test, trial.spec.seed
    if points is None:
        if len(log_prob) not in (len(test), min(len(test), trial.protocol.tested)):
            raise GenbenchError(
                f"{source} has {len(log_prob):,} log-densities, and seed {seed} has {len(test):,} test points"
                f"{_as_many(trial, len(log_prob))}; give one for each point of the array 'test' that "
                f"`{_export(trial)}` writes; for the first few, add these as an array 'points'"
            )
        return
    flat = points.reshape(len(points), -1)
    if len(points) != len(log_prob):
        raise GenbenchError(f"{source} has {len(points):,} points and {len(log_prob):,} log-densities; give as many")
    if len(points) > len(test) or flat.shape[1] != int(np.prod(test.shape[1:])):
        raise GenbenchError(
            f"{source} has points of shape {list(points.shape)}, and the test points of seed {seed} have "
            f"{list(test.shape)}; give log-densities of those that `{_export(trial)}` writes"
        )
    expected = test[: len(points)].reshape(len(points), -1)
    other = np.flatnonzero(np.abs(flat - expected).max(axis=1) > SAME * np.abs(expected).max())
    if len(other):
        raise GenbenchError(
            f"{source}: {len(other):,} of its {len(points):,} points are not the test points of seed {seed}, the "
            f"first in row {other[0]}{_same_as(trial, flat)}; give log-densities of the array 'test' that "
            f"`{_export(trial)}` writes, in its order"
        )


def unrelated_density(trial: ResolvedTrial, log_prob: Array) -> str:
    """Return a warning if log-densities seem unrelated to the test points; "" if not.

    Two tests look for a relation: whether near points have similar log-densities, and whether log-densities rise with
    the true density, where that is known. Log-densities of other points, drawn independently, pass each of them with a
    probability of MISSED.
    """
    if len(log_prob) < FEWEST or len(np.unique(log_prob)) == 1:  # a constant is related to nothing
        return ""
    test = trial.splits.test[: len(log_prob)]
    if _alike_nearby(test[:FIRST], log_prob[:FIRST]) or _like_the_truth(trial, test, log_prob):
        return ""
    return (
        "log-densities seem unrelated to the test points: they are not alike at near points; check that they belong to "
        f"these points in this order. Those of other points get this warning in {1 - 2 * MISSED:.1%} of cases"
    )


def _alike_nearby(points: Array, log_prob: Array) -> bool:
    """Whether ranks of log-densities are correlated between points and their nearest neighbours (Moran's I)."""
    from scipy.stats import rankdata
    from sklearn.neighbors import NearestNeighbors

    flat = points.reshape(len(points), -1)
    x = Standardiser.fit(flat).forward(flat)
    nearest = NearestNeighbors(n_neighbors=1).fit(x).kneighbors(return_distance=False)[:, 0]  # of others than itself
    ranks = rankdata(log_prob)
    z = (ranks - ranks.mean()) / ranks.std()
    mutual = int((nearest[nearest] == np.arange(len(x))).sum())  # these pairs are counted twice
    return bool((z * z[nearest]).sum() > QUANTILE * np.sqrt(len(x) + mutual))


def _like_the_truth(trial: ResolvedTrial, test: Array, log_prob: Array) -> bool:
    """Whether log-densities have a positive rank correlation with those of the truth, where these are known."""
    if not isinstance(trial.dataset, SyntheticDataset) or not trial.dataset.has_density:
        return False
    from scipy.stats import spearmanr

    truth = trial.dataset.log_prob(test)
    if np.ptp(truth) < FLAT:
        return False
    return bool(spearmanr(log_prob, truth).statistic > QUANTILE / np.sqrt(len(truth) - 1))


def _export(trial: ResolvedTrial) -> str:
    """Return the command that writes the test points of a trial."""
    words = ["genbench", "data", "export", trial.spec.dataset, "--seed", str(trial.spec.seed)]
    if isinstance(trial.dataset, SyntheticDataset) and trial.protocol.train != Sizes().train:
        words += ["--train", str(trial.protocol.train)]
    return shlex.join(words)


def _as_many(trial: ResolvedTrial, count: int) -> str:
    """Return which other points have a number, in brackets; "" for none."""
    splits = trial.splits
    parts = {"training points": len(splits.train), "validation points": len(splits.validation)}
    found = next((name for name, size in parts.items() if size == count), "")
    return f" (as many as it has {found})" if found else ""


def _same_as(trial: ResolvedTrial, flat: Array) -> str:
    """Return which other split points come from, in brackets; "" for none."""
    for name, part in (("training", trial.splits.train), ("validation", trial.splits.validation)):
        own = part[: len(flat)].reshape(-1, flat.shape[1])
        if len(own) == len(flat) and np.abs(flat - own).max() <= SAME * np.abs(own).max():
            return f" (they are its {name} points)"
    return ""
