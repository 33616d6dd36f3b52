"""What a model must have learnt: checks after training on a distribution in the plane whose density is known.

An `Exam` holds a fitted model with what several checks look at. Each check raises AssertionError with what is wrong,
and returns quietly where it does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genbench.contracts.dataset import SyntheticDataset
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.testing.model_contract import require

__all__ = ["EXAM", "Exam", "learns_a_gaussian"]

# Chosen by hand: power of the checks against time.
SAMPLES, SCORED = 4000, 1000  # draws, and points whose density is looked at; by hand: power against time
CELLS, FINER = 16, 3  # cells of the χ² test along an axis, and grid points along a side of a cell
SLACK = {"exact": 0.01, "estimate": 0.1, "bound": 0.1}  # χ² per sample that the solver or the bound may add


@dataclass
class Exam:
    """A fitted model, the truth in the plane that it has learnt, and the points [n, 2] that it was fitted to."""

    model: Estimator
    truth: SyntheticDataset
    train: Array

    @property
    def dense(self) -> bool:
        """Whether the model has a density."""
        return self.model.card.likelihood != "none"

    @cached_property
    def samples(self) -> Array:
        """Draws from the model [SAMPLES, 2]."""
        return self.model.sample(SAMPLES, seed=1)

    @cached_property
    def fresh(self) -> Array:
        """Draws from the truth [SAMPLES, 2] that the model has not seen."""
        return self.truth.sample(SAMPLES, seed=91)

    @cached_property
    def excess(self) -> Array:
        """How far the truth is ahead, log p_true − log p_model, at fresh points [SCORED], in nats."""
        x = self.truth.sample(SCORED, seed=90)
        excess: Array = self.truth.log_prob(x) - self.model.log_prob(x)
        return excess

    @cached_property
    def edges(self) -> tuple[Array, Array]:
        """Edges of the cells along both axes [CELLS + 1], over the training points and 1.2 standard deviations more."""
        margin = 1.2 * self.train.std(axis=0)
        low, high = self.train.min(axis=0) - margin, self.train.max(axis=0) + margin
        return np.linspace(low[0], high[0], CELLS + 1), np.linspace(low[1], high[1], CELLS + 1)

    @cached_property
    def cells(self) -> Array:
        """Probability of each cell [CELLS, CELLS] under the model's density, by the midpoint rule."""
        sides = [(e[-1] - e[0]) / (CELLS * FINER) for e in self.edges]
        axes = [e[0] + h * (np.arange(CELLS * FINER) + 0.5) for e, h in zip(self.edges, sides, strict=True)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        mass = np.exp(self.model.log_prob(grid)).reshape(CELLS, FINER, CELLS, FINER) * sides[0] * sides[1]
        cells: Array = mass.sum(axis=(1, 3))
        return cells


def integrates_to_one(exam: Exam) -> None:
    """The density integrates to 1 ± 0.01 over a grid, in the data's own units."""
    if exam.dense:
        total = float(exam.cells.sum())
        require(abs(total - 1) <= 0.01, f"the density of {exam.model.card.name} integrates to {total:.4f}")


def agrees_with_itself(exam: Exam) -> None:
    """Its samples follow its density: χ² over cells that expect at least 10. Fails by chance once in 10,000 seeds."""
    if not exam.dense:
        return
    from scipy.stats import chi2

    n = len(exam.samples)
    observed = np.histogramdd(exam.samples, bins=list(exam.edges))[0]
    large = n * exam.cells >= 10
    seen = np.append(observed[large], n - observed[large].sum())
    due = np.append(n * exam.cells[large], max(n * (1 - exam.cells[large].sum()), 1.0))
    statistic = float(((seen - due) ** 2 / due).sum())
    limit = float(chi2.isf(1e-4, df=len(due) - 1)) + SLACK[exam.model.likelihood] * n
    require(statistic < limit, f"samples do not follow the density: χ² is {statistic:.0f}, at most {limit:.0f}")


def never_beats_the_truth(exam: Exam) -> None:
    """The mean excess NLL is no less than 0, by 4 standard errors: by chance once in 30,000 if it were 0."""
    if exam.dense:
        excess = exam.excess
        lead = -float(excess.mean())
        require(lead < 4 * excess.std() / math.sqrt(len(excess)), f"it beats the entropy by {lead:.3f} nats")


def learns_a_gaussian(exam: Exam, most: float = 0.02, mean: float = 0.12, covariance: float = 0.2) -> None:
    """Where the truth is Gaussian, which all can be, the excess NLL is at most `most` nats; the moments are right.

    The means of whitened samples are within `mean` of 0, their covariances within `covariance` of the identity; six
    standard errors are 0.095 and 0.13.
    """
    if exam.dense:
        excess = float(exam.excess.mean())
        require(excess < most, f"the excess NLL on Gaussian data is {excess:.3f} nats; at most {most} is right")
    many = exam.truth.sample(100_000, seed=93)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(many.T)), (exam.samples - many.mean(axis=0)).T)  # (2, n)
    shift, spread = np.abs(white.mean(axis=1)).max(), np.abs(np.cov(white) - np.eye(2)).max()
    require(shift < mean, f"the mean of the samples is {shift:.2f} standard deviations off")
    require(spread < covariance, f"the covariance of the samples is off by {spread:.0%}")


def covers(exam: Exam) -> None:
    """Sixteen cells that the truth fills alike are filled by the samples to within 0.2 in total variation.

    Samples as good as the truth's are 0.03 apart; one mode of two is missing at 0.5.
    """
    order = exam.truth.sample(20_000, seed=92)
    columns = np.quantile(order[:, 0], [0.25, 0.5, 0.75])
    where, place = np.searchsorted(columns, order[:, 0]), np.searchsorted(columns, exam.samples[:, 0])
    shares = [
        np.histogram(
            exam.samples[place == k, 1], [-np.inf, *np.quantile(order[where == k, 1], [0.25, 0.5, 0.75]), np.inf]
        )[0]
        for k in range(4)
    ]
    distance = 0.5 * float(np.abs(np.concatenate(shares) / len(exam.samples) - 1 / 16).sum())
    require(distance < 0.2, f"samples are {distance:.2f} away from the truth in total variation over 16 cells")


def is_no_memory(exam: Exam) -> None:
    """Samples lie as far from the training points as fresh points of the truth do.

    The chance that a sample is nearer to them than a fresh point is ½ for a perfect sampler; at most 0.65 is allowed.
    """
    from scipy.spatial import cKDTree
    from scipy.stats import rankdata

    tree = cKDTree(exam.train)
    distances = np.concatenate([tree.query(points)[0] for points in (exam.samples, exam.fresh)])
    m, n = len(exam.samples), len(exam.fresh)
    nearer = 1 - (float(rankdata(distances)[:m].sum()) - m * (m + 1) / 2) / (m * n)
    require(nearer < 0.65, f"{nearer:.0%} of comparisons find a sample nearer to the training points than a fresh one")


EXAM: tuple[Callable[[Exam], None], ...] = (
    integrates_to_one,
    agrees_with_itself,
    never_beats_the_truth,
    covers,
    is_no_memory,
)
