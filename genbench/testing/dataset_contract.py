"""The checks of datasets: shapes, seeds, splits, sampler, density and entropy.

Sampler, density and entropy must belong to the same distribution. Each check takes a dataset and a seed. It raises
CheckFailed with what is wrong, and returns without a result if it does not apply.
"""

from __future__ import annotations

import math
import traceback
from typing import Any

import numpy as np

from genbench.contracts.dataset import Dataset, Sizes, Splits, SyntheticDataset
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator, isolated, stream
from genbench.core.types import Array
from genbench.statistics.self_consistency import FIRST, region_shares
from genbench.testing.check import Check, DoesNotApply, check, require
from genbench.testing.model_randomness import global_generators

__all__ = ["DATASET_CONTRACT", "require_files"]

# Chosen by hand: power against time.
DRAWN, MANY = 500, 20_000  # points of a check of shapes, and of a statistical one
SIZES = Sizes(train=400, validation=100, test=200)
LEVEL, LEAST = 1e-6, 0.01  # of the test of sampler and density, and the share of samples that it must find misplaced
ERRORS = 5.0  # standard errors by which an entropy may be off: by chance 6 times in 10⁷
NATS, RELATIVE = 1e-6, 1e-8  # log p of a point in two batches; rounding of sums in another order is less
SLOPE = 1e-3  # largest relative error of a score; that of differences is 10⁻⁶ or so


def require_files(dataset: Dataset) -> None:
    """Load a recorded dataset once.

    Raises:
        GenbenchError: its files are missing and cannot be fetched.
    """
    if isinstance(dataset, SyntheticDataset):
        return
    try:
        dataset.splits(0)
    except Exception as error:
        frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
        if any(frame.f_globals.get("__name__") == "genbench.core.downloads" for frame in frames):
            raise  # any other fault is for the checks to find


def _synthetic(dataset: Dataset) -> SyntheticDataset:
    if not isinstance(dataset, SyntheticDataset):
        raise DoesNotApply("it is recorded: there is no sampler and no density")
    return dataset


def _dense(dataset: Dataset) -> SyntheticDataset:
    synthetic = _synthetic(dataset)
    if not synthetic.has_density:
        raise DoesNotApply("its density is not known")
    return synthetic


@check(
    expected="finite float64 points [n, *shape] in each split, and labels [n] of 0 … classes − 1 or None",
    meaning="the shape that the class declares is not that of its points, or labels are no whole numbers from 0 on",
    methods=("draw", "load", "splits"),
)
def shapes(dataset: Dataset, seed: int = 0) -> str:
    """Points and labels have the shape and the type that the dataset declares, and are finite."""
    splits = dataset.splits(seed, SIZES)
    for name, x, labels in _parts(splits):
        require(x.dtype == np.float64, f"{name} points are {x.dtype}")
        require(x.shape[1:] == tuple(dataset.shape), f"{name} points have shape {x.shape[1:]} for {dataset.shape}")
        require(bool(np.isfinite(x).all()), f"{name} points are not finite")
        require((labels is None) == (splits.train_labels is None), f"of {name} and train, one alone has labels")
        if labels is None:
            continue
        require(labels.shape == (len(x),), f"{name} labels have shape {labels.shape} for {len(x)} points")
        require(labels.dtype.kind in "iu", f"{name} labels are {labels.dtype}")
        if dataset.classes is not None:
            inside = labels.min() >= 0 and labels.max() < dataset.classes
            require(bool(inside), f"{name} labels are {labels.min()} … {labels.max()} of {dataset.classes} classes")
    if isinstance(dataset, SyntheticDataset):
        found = (len(splits.train), len(splits.validation), len(splits.test))
        asked = (SIZES.train, SIZES.validation, SIZES.test)
        require(found == asked, f"splits have {found} points for {asked}")
    return (
        f"{len(splits.train)}, {len(splits.validation)} and {len(splits.test)} points of shape {tuple(dataset.shape)}"
    )


@check(
    expected="the same points from the same seed, others from another, and global generators left alone",
    meaning="draw or load takes random numbers elsewhere than from the `rng` that it is given",
    methods=("draw", "load", "splits", "reference"),
    suspects=r"np\.random\.|random\.|default_rng|torch\.rand|seed\(",
)
def seeds(dataset: Dataset, seed: int = 0) -> str:
    """Points depend only on the seed, not on the global generators."""
    calls: dict[str, Any] = {
        "splits": lambda k: dataset.splits(k, SIZES).train,
        "reference": lambda k: dataset.reference(50, k),
    }
    if isinstance(dataset, SyntheticDataset):
        calls["sample"] = lambda k: dataset.sample(DRAWN, seed=k)
    for name, call in calls.items():
        with isolated(1):
            before = global_generators()
            first = call(seed)
            require(global_generators() == before, f"{name} draws from a global generator")
        with isolated(2):
            require(np.array_equal(first, call(seed)), f"{name} gives other points under the same seed")
            if isinstance(dataset, SyntheticDataset):
                require(not np.array_equal(first, call(seed + 1)), f"{name} gives the same points under every seed")
    return ", ".join(calls)


@check(
    expected="splits that share no point, but where values recur by nature",
    meaning="the splits are cut from one array that was not permuted, or overlap: test points were trained on",
    methods=("splits", "load", "draw"),
)
def splits_apart(dataset: Dataset, seed: int = 0) -> str:
    """No test point is a training point, where points are numbers of many digits."""
    splits = dataset.splits(seed, SIZES)
    rows = {name: x.reshape(len(x), -1) for name, x, _ in _parts(splits)}
    every = np.concatenate(list(rows.values()))
    distinct = len(np.unique(every, axis=0))
    if distinct < len(every) and not isinstance(dataset, SyntheticDataset):
        return f"{len(every) - distinct} of {len(every)} recorded points recur"
    within = sum(len(x) - len(np.unique(x, axis=0)) for x in rows.values())
    shared = len(every) - distinct - within
    discrete = within > 0.01 * len(every)
    require(shared <= 0 or discrete, f"{shared} points are in two splits")
    return f"{distinct} of {len(every)} points differ"


@check(
    expected="log_prob(x) [n] in float64, never NaN, the same for a point in any batch, and an error for another shape",
    meaning="a sum over the wrong axis, a statistic of the batch, or 0 · ∞ off the support; return −inf there",
    methods=("log_density", "log_prob"),
)
def log_densities(dataset: Dataset, seed: int = 0) -> str:
    """The log-density of a point depends only on that point, also far away."""
    known = _dense(dataset)
    x = known.sample(DRAWN, seed=seed)
    log_p = known.log_prob(x)
    require(log_p.shape == (DRAWN,) and log_p.dtype == np.float64, f"it gave {log_p.dtype} of shape {log_p.shape}")
    require(
        bool((log_p > -np.inf).all()), f"{int((log_p == -np.inf).sum())} of {DRAWN} of its own points have density 0"
    )
    alone = np.concatenate([known.log_prob(x[k : k + 1]) for k in range(5)])
    gap = float(np.abs(alone - log_p[:5]).max())
    fine = bool((np.abs(alone - log_p[:5]) <= np.maximum(NATS, RELATIVE * np.abs(alone))).all())
    require(fine, f"log p of a point differs by {gap:.2g} nats between a batch of {DRAWN} and of 1")
    spread = np.abs(x - x.mean(axis=0)).max() + 1
    far = known.log_prob(x[:20] + 1e3 * spread * np.sign(x[:20] - x.mean(axis=0)))
    require(not np.isnan(far).any(), "log p is NaN far away")
    require(
        bool((far < log_p.max()).all()), f"log p is {far.max():.3g} nats far away, and {log_p.max():.3g} at most here"
    )
    try:
        known.log_prob(np.zeros((3, *known.shape, 2)))
    except GenbenchError:
        return f"{log_p.mean():.3g} nats on average"
    raise AssertionError("points of another shape are not refused")


@check(
    expected=f"draws that follow the density, which integrates to 1: shares in regions, at a level of {LEVEL:g}",
    meaning="draw and log_density are of two distributions, or a normalising constant is missing",
    methods=("log_density", "log_prob", "draw"),
    error_rate=LEVEL,
)
def sampler_follows_density(dataset: Dataset, seed: int = 0) -> str:
    """Draws and density belong to one distribution (`genbench.statistics.self_consistency`)."""
    known = _dense(dataset)
    from scipy.stats import norm

    n = MANY if math.prod(known.shape) <= 64 else MANY // 4
    x, other = (known.sample(n, seed=stream(seed, name)).reshape(n, -1) for name in ("drawn", "placed"))
    log_p = known.log_prob(x[: n // 2].reshape(-1, *known.shape))
    shares = region_shares(
        x, log_p, other, lambda z: known.log_prob(z.reshape(-1, *known.shape)), n // 2, generator(seed, "regions")
    )
    seen, due, error = shares.T
    z = np.divide(seen - due, error, out=np.zeros_like(due), where=error > 0)
    gaps = np.where(np.abs(z) > norm.isf(LEVEL / (2 * len(z))), np.abs(seen - due), 0.0)
    worst = int(gaps.argmax())
    kind = FIRST[worst] if worst < len(FIRST) else "cell"
    where = {"all": "in all of space", "pairs": "of pairs, the denser one first", "low": "where density is low"}.get(
        kind, "in a region"
    )
    if kind == "all" and gaps[worst] >= LEAST:
        require(False, f"the density integrates to {due[0] / max(seen[0], 1e-300):.3g} where its draws lie")
    found = (
        f"{where}, there are {seen[worst]:.1%} of the draws and {due[worst]:.1%} of the density (z = {z[worst]:.0f})"
    )
    require(gaps[worst] < LEAST, found)
    return f"{len(shares)} regions, the worst off by {np.abs(z).max():.1f} standard errors"


@check(
    expected=f"the entropy to be the mean of −log p, to {ERRORS:g} standard errors",
    meaning="a term of the closed form is missing, or the density is not normalised",
    methods=("entropy",),
    error_rate=6e-7,
)
def entropy(dataset: Dataset, seed: int = 0) -> str:
    """The entropy agrees with draws and density."""
    known = _dense(dataset)
    try:
        stated = float(known.entropy)
    except NotImplementedError:
        raise DoesNotApply("it does not say its entropy") from None
    nats = -known.log_prob(known.sample(MANY, seed=stream(seed, "entropy")))
    error = max(float(nats.std()) / math.sqrt(len(nats)), NATS)
    off = float(nats.mean()) - stated
    require(abs(off) <= ERRORS * error, f"it says {stated:.4f} nats, and draws {nats.mean():.4f} ± {error:.4f}")
    return f"{stated:.4f} nats, draws say {nats.mean():.4f} ± {error:.4f}"


@check(
    expected="as many reference points as asked, or fewer of real data, from the same distribution as the draws",
    meaning="what decides the mode or the place must be a function of u: stratified positions give a stratified sample",
    methods=("draw", "reference"),
    error_rate=LEVEL,
)
def reference(dataset: Dataset, seed: int = 0) -> str:
    """Each coordinate of reference points is distributed as in draws.

    It is tested by the Kolmogorov–Smirnov test.
    """
    x = dataset.reference(DRAWN, stream(seed, "reference"))
    require(x.shape[1:] == tuple(dataset.shape) and 1 <= len(x) <= DRAWN, f"it gave {x.shape} for {DRAWN} points")
    if not isinstance(dataset, SyntheticDataset):
        return f"{len(x)} points"
    from scipy.stats import ks_2samp

    x = dataset.reference(MANY // 4, stream(seed, "reference")).reshape(MANY // 4, -1)
    drawn = dataset.sample(MANY, seed=stream(seed, "beside")).reshape(MANY, -1)
    p = [float(ks_2samp(x[:, k], drawn[:, k]).pvalue) for k in range(x.shape[1])]
    worst = int(np.argmin(p))
    require(
        p[worst] * len(p) > LEVEL, f"coordinate {worst + 1} is distributed otherwise than in draws, p = {p[worst]:.1g}"
    )
    return f"{len(p)} coordinates, smallest p {p[worst]:.2g}"


@check(
    expected="modes [k, *shape] in the middle of the points with their label, and their standard deviation mode_std",
    meaning="centres or widths are those of other parameters, or before a rotation or a change of scale",
    methods=("__init__", "draw"),
    error_rate=6e-7,
)
def modes(dataset: Dataset, seed: int = 0) -> str:
    """Points of a label lie around its mode, with the standard deviation that is stated."""
    known = _synthetic(dataset)
    if known.modes is None or known.mode_std is None:
        raise DoesNotApply("it states no modes")
    require(known.modes.shape[1:] == tuple(known.shape), f"modes have shape {known.modes.shape} for {known.shape}")
    x, labels = known.labelled_sample(MANY, stream(seed, "modes"))
    if labels is None or known.classes != len(known.modes):
        raise DoesNotApply("labels do not name its modes")
    away = (x - known.modes[labels]).reshape(len(x), -1)
    spread = float(np.sqrt(np.square(away).mean()))
    error = known.mode_std / math.sqrt(2 * away.size)
    off = abs(spread - known.mode_std)
    require(off < ERRORS * error, f"points are {spread:.4g} from their mode, and mode_std is {known.mode_std:.4g}")
    return f"{len(known.modes)} modes, {spread:.3g} wide"


@check(
    expected="∇ log p as differences of log p give it",
    meaning="a sign, a factor or a term of the closed form of `score`",
    methods=("score",),
)
def scores(dataset: Dataset, seed: int = 0) -> str:
    """The closed form of the score is the gradient of the log-density."""
    known = _dense(dataset)
    if not known.has_score or not known.writes("score"):
        raise DoesNotApply("it writes no score of its own")
    x = known.sample(50, seed=stream(seed, "score"))
    stated, differences = known.score(x), SyntheticDataset.score(known, x)
    size = np.abs(differences).max()
    off = float(np.abs(stated - differences).max() / max(size, 1e-12))
    require(off < SLOPE, f"it is off by {off:.2g} of the largest slope")
    return f"off by {off:.1g} of the largest slope"


def _parts(splits: Splits) -> list[tuple[str, Array, Any]]:
    return [
        ("train", splits.train, splits.train_labels),
        ("validation", splits.validation, splits.validation_labels),
        ("test", splits.test, splits.test_labels),
    ]


DATASET_CONTRACT: tuple[Check, ...] = (
    shapes,
    seeds,
    splits_apart,
    reference,
    log_densities,
    sampler_follows_density,
    entropy,
    modes,
    scores,
)
