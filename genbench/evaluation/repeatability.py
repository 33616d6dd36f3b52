"""Whether samples and densities of a model depend only on the seed.

They are computed again for a few points.

A model that draws from its own generator gives scores that cannot be repeated. A model that sets the seed itself gives
the same score for every seed, so that intervals over seeds have no width. A density that depends on the whole batch is
not the density of a point. The scores themselves do not show any of these faults.
"""

from __future__ import annotations

import contextlib
import copy

import numpy as np

from genbench.contracts.model import Model
from genbench.core.errors import collected_warnings
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.storage.evaluation import Flag

__all__ = ["unrepeatable"]

SAMPLES, POINTS = 16, 16  # of a call; chosen by hand: a few, since each call has all steps of a solver
MORE = 2_000  # samples where a few are the same under two seeds: by chance they can be, of a rare event or a coin
STEPS = 4  # of a sampler that counts them in `steps`, as `genbench sweep` does: two seeds differ after a few as well
SHARED = 2**20  # bytes; larger arrays are training points, which a copy of a model shares with it
# Chosen by hand. Sums in another order leave rounding, which the steps of a solver let grow: up to 2e-6 nats in this
# zoo, on an accelerator more.
SCALE = 1e-4  # standard deviations: samples that differ by less are the same
NATS = 1e-3  # log-densities that differ by less are the same, or by less than RELATIVE of their size
RELATIVE = 1e-5

FENCED = "take NumPy's, torch's or Python's global generator, which the engine seeds"


def unrepeatable(estimator: Estimator, test: Array, log_prob: Array | None, likelihood: str, seed: int) -> list[Flag]:
    """Return a flag for each way in which samples or densities do not depend only on the seed.

    Equal calls are compared on a copy of the model, so that its weights and its state do not change.

    Args:
        test: test points [m, *shape].
        log_prob: the model's log-density at them in nats [m], as it was scored; None if it has none.
        likelihood: the kind of these densities. Exact ones must not depend on seed and batch; others have noise that
            does.
        seed: the seed of the trial, with which `log_prob` was computed.
    """
    twin = copy.copy(estimator)
    try:
        with collected_warnings():  # the model has given them already
            twin.model = _copy(estimator.model)
            texts = [_of_samples_quickly(twin, seed)]
            if log_prob is not None:
                texts.append(_of_densities(twin, test, log_prob, likelihood == "exact", seed))
    except Exception as error:  # a plugin may raise anything
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        texts = [f"could not be checked for repeatability: a second call for {SAMPLES} points failed ({reason})"]
    return [Flag(text=text) for text in texts if text]


def _copy(model: Model) -> Model:
    """Return a copy of a model that shares its large arrays; of one that holds a lock or a file, a shallow one."""
    large = [value for value in vars(model).values() if getattr(value, "nbytes", 0) > SHARED]
    try:
        return copy.deepcopy(model, {id(value): value for value in large})
    except Exception:  # what a plugin holds may refuse to be copied in any way
        return copy.copy(model)


def _of_samples_quickly(twin: Estimator, seed: int) -> str:
    """Return the same as `_of_samples`, by a sampler of fewer steps where the model has a parameter for them."""
    if "steps" in twin.params and isinstance(steps := getattr(twin.model, "steps", 0), int) and steps > STEPS:
        quick = copy.copy(twin)
        quick.model = copy.copy(twin.model)
        quick.model.steps = STEPS  # type: ignore[attr-defined]
        with contextlib.suppress(Exception):  # it may have been built for its number of steps
            return _of_samples(quick, seed)
    return _of_samples(twin, seed)


def _of_samples(twin: Estimator, seed: int) -> str:
    """Return what is wrong with the samples of one seed drawn twice, and of another; "" if nothing."""
    here, there = (stream(seed, "repeated", k) for k in range(2))

    def draw(n: int, of_call: int) -> Array:
        return twin.drawn(n, of_call, twin.labels(None, n, here))

    first, second, other = (draw(SAMPLES, of_call) for of_call in (here, here, there))
    if not np.array_equal(first, second) and np.abs(first - second).max() > SCALE * first.std():
        return f"sample gives other points under the same seed: it draws from a generator of its own; {FENCED}"
    if _same_points(first, other) and _same_points(draw(MORE, here), draw(MORE, there)):
        return f"sample gives the same points under every seed: it reseeds itself, or draws nothing; {FENCED}"
    return ""


def _same_points(a: Array, b: Array) -> bool:
    """Whether two draws [n, *shape] are the same points, in whatever order."""
    return np.array_equal(np.sort(a, axis=0), np.sort(b, axis=0))


def _of_densities(twin: Estimator, test: Array, log_prob: Array, exact: bool, seed: int) -> str:
    """Return what is wrong with log-densities of a few test points, asked for again; "" if nothing.

    The points are neighbours along their first coordinate, so that their mean and spread are not those of all. One call
    clears an exact density: under another seed and in another batch it is what it was. Only a suspect is asked more.
    """
    order = np.argsort(test.reshape(len(test), -1)[:, 0], kind="stable")
    rows = np.sort(order[len(test) // 4 :][:POINTS])
    here, there = seed, stream(seed, "repeated")
    if exact and not _largest_gap(log_prob[rows], apart := twin.log_prob(test[rows], seed=there)):
        return ""
    first, second = (twin.log_prob(test[rows], seed=here) for _ in range(2))
    if gap := _largest_gap(first, second):
        return f"log_prob differs by up to {gap:.2g} nats under the same seed: it has a generator of its own; {FENCED}"
    if not exact:
        return ""
    if gap := _largest_gap(first, apart):
        return f'log_prob differs by up to {gap:.2g} nats from seed to seed, so it is not exact; register "estimate"'
    return (
        f"log_prob of a point depends on its batch, by up to {_largest_gap(first, log_prob[rows]):.2g} nats between "
        f"{len(rows)} and {len(test):,} points: it is no density; leave statistics of the batch out of it"
    )


def _largest_gap(a: Array, b: Array) -> float:
    """Return the largest difference of log-densities [n] in nats; 0 where all of it may be rounding."""
    same = a == b  # two infinities, too
    gaps = np.abs(np.where(same, 0.0, a) - np.where(same, 0.0, b))
    size = np.where(np.isfinite(a), np.abs(a), 0.0)
    return float(gaps.max()) if (gaps > np.maximum(NATS, RELATIVE * size)).any() else 0.0
