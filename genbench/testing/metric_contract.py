"""The checks of metrics: they run, repeat, change no evidence, ignore order, and rank.

Each check takes a metric's card and a seed. It raises CheckFailed with what is wrong, and returns without a result if
it does not apply. The evidence comes from models with known faults (`genbench.evaluation.faults`), on four round
Gaussians.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.metric import MetricCard, Score
from genbench.core.seeding import generator, isolated, stream
from genbench.core.types import Array
from genbench.evaluation.faults import Case, cases
from genbench.statistics.self_consistency import region_shares
from genbench.testing.check import Check, CheckFailed, DoesNotApply, check, require
from genbench.testing.truths import Blobs

__all__ = ["METRIC_CONTRACT"]

# Chosen by hand: what metrics see, in a second or two.
SAMPLES, TRAIN = 400, 1_000  # points of a draw, and training points
SHIFT = 1.0  # standard deviations: a coarse fault
DRAWS, FEW = 20, 8  # from the truth, whose scores say what chance does to the order, and to a fault
STRIDE = (
    247  # about 0.618 of the samples, and coprime to their number: neighbours in line are far from neighbours in value
)
STEP = 1e-5  # of differences; the points have deviations of about 2
ROUNDING = 1e-9  # relative difference that sums in another order leave
BEYOND = 10.0  # standard deviations of these scores that the order may move one: by chance once in 10⁶


@cache
def _cases() -> dict[str, Case]:
    return {case.name: case for case in cases(Blobs(), SHIFT)}


def _evidence(name: str, seed: int) -> Evidence:
    """Return a draw of a known case, with all that metrics of points in the plane may need."""
    truth, case = Blobs(), _cases()[name]
    test, train = (truth.sample(n, seed=stream(seed, part)) for n, part in ((SAMPLES, "test"), (TRAIN, "train")))
    x = case.draw(SAMPLES, stream(seed, "samples"), train)
    protocol = Protocol(SAMPLES, sets=1, set_size=SAMPLES, train=TRAIN, densities=SAMPLES, searched=SAMPLES)
    evidence = Evidence(truth, x, test, None, stream(seed, "evaluation"), protocol, train)
    if case.log_prob:
        evidence.model_log_prob, evidence.samples_model_log_prob = case.log_prob(test), case.log_prob(x)
        evidence.model_score = _score(case.log_prob, test)
        with np.errstate(divide="ignore"):
            evidence.shares = region_shares(
                x, case.log_prob(x), train, case.log_prob, SAMPLES, generator(seed, "regions")
            )
    return evidence


def _score(log_prob: Callable[[Array], Array], x: Array) -> Array | None:
    """Return the gradient of a log-density at points x [n, d], by differences; None where it has none."""
    with np.errstate(invalid="ignore"):
        slopes = [(log_prob(x + h) - log_prob(x - h)) / (2 * STEP) for h in STEP * np.eye(x.shape[1])]
    score = np.stack(slopes, axis=1)
    return score if np.isfinite(score).all() else None


def _value(card: MetricCard, evidence: Evidence) -> float:
    """Return a metric's value as the evaluator computes it."""
    with isolated(stream(evidence.seed, "metric", card.name)):
        given = card.factory(evidence)
    return float(given.value if isinstance(given, Score) else given)


def _applies(card: MetricCard, evidence: Evidence) -> None:
    if card.task:
        raise DoesNotApply(f"it scores the task {card.task}, whose evidence is not at hand")
    if missing := sorted(card.needs - evidence.has):
        raise DoesNotApply(f"it needs {', '.join(missing)}, which points in the plane do not have")


@check(
    expected="a finite number, or a Score of one, for draws from the truth itself",
    meaning="it returns an array or nothing, divides by 0, or needs something that it does not declare in `needs`",
    methods=(),
)
def runs(card: MetricCard, seed: int = 0) -> str:
    """A metric gives a number for good samples."""
    _applies(card, evidence := _evidence("null", seed))
    with isolated(stream(evidence.seed, "metric", card.name)):
        given = card.factory(evidence)
    number = given.value if isinstance(given, Score) else given
    plain = isinstance(number, int | float | np.number) or getattr(number, "ndim", None) == 0
    require(plain, f"it returned a {type(given).__name__}, and no number")
    require(math.isfinite(float(number)), f"it is {float(number)} for draws from the truth")
    return f"{float(number):.4g} for draws from the truth"


@check(
    expected="the same value for the same evidence",
    meaning="random numbers of a generator that nobody seeds; take evidence.rng(name), the same for all models",
    suspects=r"default_rng\(\)|RandomState\(\)|random\.Random\(|Generator\(|urandom|time\(\)",
)
def repeats(card: MetricCard, seed: int = 0) -> str:
    """The same evidence gives the same value."""
    _applies(card, _evidence("null", seed))
    first, second = (_value(card, _evidence("null", seed)) for _ in range(2))
    require(first == second, f"the same evidence gave {first:.6g} and {second:.6g}")
    return f"{first:.4g} twice"


@check(
    expected="evidence that is the same after it",
    meaning="it computes in place, and the metrics after it see other samples; compute on a copy",
    suspects=r"\*=|\+=|-=|/=|\.sort\(|shuffle\(|\[[^\]]*\]\s*=[^=]|out=",
)
def leaves_evidence_alone(card: MetricCard, seed: int = 0) -> str:
    """The metric does not change samples, test points and densities."""
    _applies(card, evidence := _evidence("null", seed))
    names = ("samples", "test", "train", "model_log_prob", "samples_model_log_prob", "model_score", "shares")
    before = {name: np.array(getattr(evidence, name), copy=True) for name in names}
    _value(card, evidence)
    changed = [name for name in names if not np.array_equal(before[name], getattr(evidence, name), equal_nan=True)]
    require(not changed, f"it changed {', '.join(changed)} of its evidence")
    return f"{len(names)} arrays"


@check(
    expected="the same value for samples and test points in another order, but for the noise of a draw",
    meaning="it pairs the k-th sample with the k-th test point",
    suspects=r"samples\[[^\]]*\] - |\.diff\(|zip\(",
    error_rate=1e-6,
)
def minds_no_order(card: MetricCard, seed: int = 0) -> str:
    """The score does not change when the k-th sample is similar to the k-th test point.

    Each part of that order is representative, because a metric may use only the first points, or halves; samples are in
    random order.
    """
    _applies(card, evidence := _evidence("null", seed))
    value, in_line = _value(card, evidence), _value(card, _alike(_evidence("null", seed)))
    if abs(value - in_line) <= ROUNDING * max(1.0, abs(value)):
        return f"{value:.4g} in any order"
    spread = float(np.std([_value(card, _evidence("null", stream(seed, k))) for k in range(DRAWS)], ddof=1))
    found = (
        f"it is {value:.4g}, and {in_line:.4g} for the same points in another order; other draws are {spread:.2g} apart"
    )
    require(abs(value - in_line) <= BEYOND * spread, found)
    return f"{value:.4g}, {in_line:.4g} in another order, as other draws are apart"


def _alike(evidence: Evidence) -> Evidence:
    """Return the same evidence, the k-th sample and the k-th test point at the same rank along the first coordinate."""
    places = STRIDE * np.arange(SAMPLES) % SAMPLES
    samples, test = (np.argsort(x[:, 0], kind="stable")[places] for x in (evidence.samples, evidence.test))
    assert evidence.model_log_prob is not None
    assert evidence.samples_model_log_prob is not None
    assert evidence.model_score is not None
    return replace(
        evidence,
        samples=evidence.samples[samples],
        samples_model_log_prob=evidence.samples_model_log_prob[samples],
        test=evidence.test[test],
        model_log_prob=evidence.model_log_prob[test],
        model_score=evidence.model_score[test],
        results={},
    )


@check(
    expected="a worse score than any of eight draws from the truth gets, for at least one coarse fault",
    meaning="higher_is_better says the wrong direction, or the metric cannot tell good samples from bad; a fact that "
    "is no merit is registered with ranked=False",
    error_rate=1e-6,
)
def knows_better_from_worse(card: MetricCard, seed: int = 0) -> str:
    """A large fault gets a worse score than the truth."""
    _applies(card, _evidence("null", seed))
    if not card.ranked:
        raise DoesNotApply("models are not ranked by it")
    sign = -1.0 if card.higher_is_better else 1.0
    null = [sign * _value(card, _evidence("null", stream(seed, k))) for k in range(FEW)]
    praised: list[str] = []
    for name in _cases():
        evidence = _evidence(name, stream(seed, "fault"))
        if name == "null" or not card.needs <= evidence.has:
            continue
        badness = sign * _value(card, evidence)
        if badness > max(null) or math.isnan(badness):
            return f"sees: {name}"
        if badness < min(null):
            praised.append(name)
    direction = "higher" if card.higher_is_better else "lower"
    found = f"{direction} is better, and of the known faults none is scored worse than the truth"
    raise CheckFailed(found + (f", and better: {', '.join(praised)}" if praised else ""))


METRIC_CONTRACT: tuple[Check, ...] = (runs, repeats, leaves_evidence_alone, minds_no_order, knows_better_from_worse)
