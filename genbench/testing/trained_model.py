"""The checks of a trained model, on a distribution in the plane with a known density.

A `TrainedModel` is a fitted model with the results that several checks use. A check raises CheckFailed with what is
wrong, and returns without a result if it does not apply. The checks in `SOUND` hold after any training, however short;
`CHECKS` has all checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genbench.contracts.dataset import SyntheticDataset
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.testing.check import Check, DoesNotApply, check, require

__all__ = ["CHECKS", "SOUND", "TrainedModel", "learns_a_gaussian"]

# Chosen by hand: power of the checks against time.
SAMPLES, SCORED = 4000, 1000  # draws, and points whose density is looked at
CELLS = 16  # cells of the χ² test along an axis
FINER = (3, 10)  # grid points along a side of a cell; many where few find a fault, which may be that of the grid
ROUGH = 0.04  # of the integral after a short training: solvers have errors of 0.02 along flows that are not learnt yet
ROUGH_SLACK = 0.1  # χ² per sample, for the same reason: 0.06 are added to that of a flow, and coarse faults add 0.14
SLACK = {"exact": 0.01, "estimate": 0.1, "bound": 0.1}  # χ² per sample that the solver or the bound may add
LEVEL = 1e-6  # of the χ² test
ERRORS = 5  # standard errors by which the mean excess may be below 0: by chance 3 times in 10⁷ if it were 0
FEW_SEEDS = 1000  # between the streams of two seeds, of which each takes a few numbers


@dataclass
class TrainedModel:
    """A fitted model, its true distribution in the plane, and its training points [n, 2].

    Attributes:
        margin: width of the grid beyond the training points, in standard deviations.
        short: whether training was so short that only consistency can be checked.
        seed: seed of the samples and of the fresh points.
    """

    model: Estimator
    truth: SyntheticDataset
    train: Array
    margin: float = 1.2
    short: bool = False
    seed: int = 0

    def require_density(self) -> None:
        """Skip a check if the model has no density."""
        if self.model.card.likelihood == "none":
            raise DoesNotApply("it has no likelihood")

    @cached_property
    def samples(self) -> Array:
        """Draws from the model [SAMPLES, 2]."""
        return self.model.sample(SAMPLES, seed=FEW_SEEDS * self.seed + 1)

    @cached_property
    def fresh(self) -> Array:
        """Draws from the truth [SAMPLES, 2] that were not used for training."""
        return self.truth.sample(SAMPLES, seed=FEW_SEEDS * self.seed + 91)

    @cached_property
    def excess(self) -> Array:
        """The excess NLL log p_true − log p_model at fresh points [SCORED], in nats."""
        x = self.truth.sample(SCORED, seed=FEW_SEEDS * self.seed + 90)
        excess: Array = self.truth.log_prob(x) - self.model.log_prob(x)
        return excess

    @cached_property
    def edges(self) -> tuple[Array, Array]:
        """The edges of the cells along both axes [CELLS + 1], for training points and margin."""
        margin = self.margin * self.train.std(axis=0)
        low, high = self.train.min(axis=0) - margin, self.train.max(axis=0) + margin
        return np.linspace(low[0], high[0], CELLS + 1), np.linspace(low[1], high[1], CELLS + 1)

    @cached_property
    def cells(self) -> Array:
        """The probability of each cell [CELLS, CELLS] under the model, on the coarser grid."""
        return self.masses(FINER[0])

    @cached_property
    def fine_cells(self) -> Array:
        """The same as `cells`, on the finer grid."""
        return self.masses(FINER[1])

    def masses(self, finer: int) -> Array:
        """Return the probability of each cell by the midpoint rule.

        `finer` is the number of grid points along a side of a cell.
        """
        n = CELLS * finer
        sides = [(e[-1] - e[0]) / n for e in self.edges]
        axes = [e[0] + h * (np.arange(n) + 0.5) for e, h in zip(self.edges, sides, strict=True)]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        with np.errstate(over="ignore"):
            mass = np.exp(self.model.log_prob(grid)) * sides[0] * sides[1]
        cells: Array = mass.reshape(CELLS, finer, CELLS, finer).sum(axis=(1, 3))
        return cells


@check(
    expected=f"a density in the plane that integrates to 1 ± 0.01; after a short training run to 1 ± {ROUGH:g}",
    meaning="a log-determinant is missing or has the wrong sign, a normalising constant is missing, or log-densities "
    "were averaged where densities should be (over orders, over components)",
    methods=("log_prob",),
    suspects=r"return .*|log_?det|\.mean\(",
)
def integrates_to_one(trained: TrainedModel) -> str:
    """The density integrates to 1 ± 0.01 over a grid, in the data's own units."""
    trained.require_density()
    if trained.short and trained.model.likelihood == "estimate":
        raise DoesNotApply("an estimate has errors of several percent before it has learnt")
    most = ROUGH if trained.short else 0.01
    bound = trained.short and trained.model.likelihood == "bound"  # it may lie far below the density
    total, fine = 0.0, False
    for cells in (lambda: trained.cells, lambda: trained.fine_cells):
        total = float(cells().sum())
        fine = total <= 1 + most and (bound or total >= 1 - most)
        if fine:
            break
    require(fine, f"the density of {trained.model.card.name} integrates to {total:.4g}")
    return f"integrates to {total:.4f}"


@check(
    expected=f"samples that follow the density: χ² over cells that expect at least 10, at a level of {LEVEL:g}",
    meaning="sample and log_prob are of two distributions: another temperature, modes that sampling leaves out, a "
    "density that is wrong, or too few steps of a solver",
    methods=("sample", "log_prob"),
    error_rate=LEVEL,
)
def agrees_with_itself(trained: TrainedModel) -> str:
    """Its samples follow its density: χ² over cells that expect at least 10.

    It fails by chance for one in 10⁶ seeds.
    """
    trained.require_density()
    if trained.short and trained.model.likelihood != "exact":
        raise DoesNotApply("a bound, or an estimate of another process, is near the density after training only")
    found, fine = "", False
    for cells in (lambda: trained.cells, lambda: trained.fine_cells):
        statistic, limit, k = _chi_square(trained, cells())
        found, fine = f"χ² of {k} cells is {statistic:.0f}, at most {limit:.0f}", statistic < limit
        if fine:
            break
    require(fine, f"samples do not follow the density: {found}")
    return found


def _chi_square(trained: TrainedModel, cells: Array) -> tuple[float, float, int]:
    """Return Pearson's statistic of the samples, its limit, and the number of cells, the rare ones pooled to one."""
    from scipy.stats import chi2

    n = len(trained.samples)
    observed = np.histogramdd(trained.samples, bins=list(trained.edges))[0]
    large = n * cells >= 10
    seen = np.append(observed[large], n - observed[large].sum())
    due = np.append(n * cells[large], max(n * (1 - cells[large].sum()), 1.0))
    slack = ROUGH_SLACK if trained.short else SLACK[trained.model.likelihood]
    statistic = float(((seen - due) ** 2 / due).sum())
    return statistic, float(chi2.isf(LEVEL, df=max(len(due) - 1, 1))) + slack * n, len(due)


@check(
    expected=f"a mean log p at fresh points that is no higher than that of the truth, by {ERRORS} standard errors",
    meaning="the density is not normalised, or the model has seen what it should not",
    methods=("log_prob",),
    suspects=r"return .*|log_?det",
    error_rate=3e-7,
)
def never_beats_the_truth(trained: TrainedModel) -> str:
    """The mean excess NLL is not below 0 by more than 5 standard errors.

    If it were 0, the check would fail by chance 3 times in 10⁷.
    """
    trained.require_density()
    excess = trained.excess
    lead = -float(excess.mean())
    require(lead < ERRORS * excess.std() / math.sqrt(len(excess)), f"it beats the entropy by {lead:.3f} nats")
    return f"{-lead:.3f} nats behind the truth"


@check(
    expected="a Gaussian, learnt: samples of its mean and covariance, and a density near its own",
    meaning="the loss has its minimum elsewhere (a network that is asked at the noise and not at x_t), sampling starts "
    "from other noise than training ends in, samples have another temperature, or a density is accumulated wrongly",
    methods=("training_loss", "fit", "sample"),
    error_rate=1e-8,
)
def learns_a_gaussian(
    trained: TrainedModel, most: float = 0.02, mean: float = 0.12, covariance: float = 0.2, thin: float | None = None
) -> str:
    """If the truth is Gaussian, the excess NLL is at most `most` nats and moments are right.

    All models can learn a Gaussian. The means of whitened samples are within `mean` of 0, and their covariances within
    `covariance` of the identity; the variance along the short axis is within `thin`. Six standard errors are 0.095 and
    0.13.
    """
    many = trained.truth.sample(100_000, seed=FEW_SEEDS * trained.seed + 93)
    variances, axes = np.linalg.eigh(np.cov(many.T))  # the short axis is the first
    white = ((trained.samples - many.mean(axis=0)) @ axes / np.sqrt(variances)).T  # (2, n)
    shift, spread = np.abs(white.mean(axis=1)).max(), np.abs(np.cov(white) - np.eye(2))
    require(shift < mean, f"the mean of the samples is {shift:.2f} standard deviations off")
    require(spread[1].max() < covariance, f"the covariance of the samples is off by {spread[1].max():.0%}")
    limit = covariance if thin is None else thin
    require(spread[0, 0] < limit, f"the covariance of the samples is off by {spread[0, 0]:.0%} along the short axis")
    found = f"mean off by {shift:.2f}, covariance by {spread.max():.0%}"
    if trained.model.card.likelihood != "none":
        excess = float(trained.excess.mean())
        wrong = f"the excess NLL on Gaussian data is {excess:.3f} nats; at most {most} is right"
        require(excess < most, wrong, methods=("log_prob",))
        found += f", {excess:.3f} nats behind the truth"
    return found


@check(
    expected="sixteen cells that the truth fills alike, filled to within 0.25 in total variation",
    meaning="a mode is missing, the model has not learnt, or an integrator does not feed its steps back",
    methods=("sample", "training_loss", "fit"),
    error_rate=1e-9,
)
def covers(trained: TrainedModel) -> str:
    """The samples fill sixteen equally probable cells to within 0.25 in total variation.

    Samples of the truth have 0.03, those of a Gaussian with the same moments 0.20. At 0.5, one mode of two is missing.
    """
    order = trained.truth.sample(20_000, seed=FEW_SEEDS * trained.seed + 92)
    columns = np.quantile(order[:, 0], [0.25, 0.5, 0.75])
    where, place = np.searchsorted(columns, order[:, 0]), np.searchsorted(columns, trained.samples[:, 0])
    shares = [
        np.histogram(
            trained.samples[place == k, 1], [-np.inf, *np.quantile(order[where == k, 1], [0.25, 0.5, 0.75]), np.inf]
        )[0]
        for k in range(4)
    ]
    distance = 0.5 * float(np.abs(np.concatenate(shares) / len(trained.samples) - 1 / 16).sum())
    require(distance < 0.25, f"samples are {distance:.2f} away from the truth in total variation over 16 cells")
    return f"{distance:.2f} away, samples as good as the truth's 0.03"


@check(
    expected="samples that lie as far from the training points as fresh points of the truth do",
    meaning="it returns training points, or points beside them: a memory, a kernel that is too narrow, or overfitting",
    methods=("sample", "fit"),
    error_rate=1e-9,
)
def is_no_memory(trained: TrainedModel) -> str:
    """Samples are as far from the training points as fresh points of the truth are.

    The chance that a sample is nearer to them than a fresh point is ½ for a perfect sampler; at most 0.65 is allowed.
    """
    from scipy.spatial import cKDTree
    from scipy.stats import rankdata

    tree = cKDTree(trained.train)
    distances = np.concatenate([tree.query(points)[0] for points in (trained.samples, trained.fresh)])
    m, n = len(trained.samples), len(trained.fresh)
    nearer = 1 - (float(rankdata(distances)[:m].sum()) - m * (m + 1) / 2) / (m * n)
    require(nearer < 0.65, f"{nearer:.0%} of comparisons find a sample nearer to the training points than a fresh one")
    return f"{nearer:.0%} of comparisons find a sample nearer than a fresh point"


SOUND: tuple[Check, ...] = (integrates_to_one, agrees_with_itself)
CHECKS: tuple[Check, ...] = (*SOUND, never_beats_the_truth, covers, is_no_memory)
