"""The metrics put to the test: what they say of samples whose fault is known, and of samples that have none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genbench.contracts.dataset import Dataset, SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.metric import MetricCard, select_metrics
from genbench.core.errors import GenbenchError
from genbench.core.progress import shown_progress
from genbench.core.registry import discover
from genbench.core.seeding import generator, stream
from genbench.core.types import Array
from genbench.evaluation.evaluator import evaluate
from genbench.metrics.discrepancy import squared_distances

__all__ = ["Case", "Cell", "SelfTest", "binomial_interval", "cases", "p_value", "selftest"]

# Chosen by hand: faults that good metrics find, and not all of them, in a minute.
LEVEL = 0.05  # of the tests, the usual one
NULL_REPEATS = 79  # a score is outside if it is among the 4 worst of 80: exactly LEVEL of the truth's own are
SHIFT = 0.1  # standard deviations; this and the faults below are by hand: small enough to be missed by some metric
SHRINK = 0.9
DROPPED = 1 / 8  # mass that is dropped where there are no modes
KEPT = 0.5  # share of the points that stay in the thinned half
MEMORY = 1_000  # training points of which samples are copies
LARGE = 100_000  # points behind a mean, a median and the mass of a region


@dataclass(frozen=True)
class Case:
    """A model whose fault is known.

    Attributes:
        name: heading of its column.
        what: what is wrong with it.
        draw: (n, seed, training points [k, d]) -> samples [n, d].
        log_prob: its exact log-density in nats [n] of points [n, d], where it has one.
        distances: what metrics measure in closed form, by name.
    """

    name: str
    what: str
    draw: Callable[[int, int, Array], Array]
    log_prob: Callable[[Array], Array] | None = None
    distances: dict[str, float] | None = None


@dataclass(frozen=True)
class Cell:
    """What a metric says of a case.

    Attributes:
        mean: mean of the finite scores; None where there is none.
        power: share of repeats whose score is worse than 95 % of the truth's.
        low, high: 95 % interval of the power.
        praised: share of repeats whose score is better than 95 % of the truth's: the metric is fooled.
        exact: the distance in closed form, where there is one.
    """

    mean: float | None
    power: float
    low: float
    high: float
    praised: float
    exact: float | None = None


@dataclass(frozen=True)
class SelfTest:
    """What each metric says of each case: `cells[metric][case]`, None where it does not apply."""

    dataset: str
    repeats: int
    null_repeats: int
    samples: int
    cases: dict[str, str]
    cells: dict[str, dict[str, Cell | None]]

    def public(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def selftest(
    dataset: Dataset,
    metrics: str = "all",
    repeats: int = 20,
    samples: int = 2_000,
    shift: float = SHIFT,
    null_repeats: int = NULL_REPEATS,
    seed: int = 0,
    progress: bool = False,
) -> SelfTest:
    """Return what the metrics say of known cases on a dataset.

    Each case is drawn `repeats` times, with samples, test points and references of its own. A score is ranked among
    those of `null_repeats` further draws from the truth.

    Raises:
        GenbenchError: the dataset's truth is not known, a metric is unknown, or a number is too small.
    """
    if not isinstance(dataset, SyntheticDataset):
        raise GenbenchError(f"the truth of {dataset.card.name} is not known, so no case is; name a synthetic dataset")
    for name, number, least in (("repeats", repeats, 1), ("samples", samples, 50), ("null_repeats", null_repeats, 19)):
        if number < least:
            raise GenbenchError(f"{name}={number} is too few for a self-test; ask for at least {least}")
    discover(groups=("metrics",))
    cards = select_metrics(metrics)
    known = cases(dataset, shift)
    rounds = [(known[0], stream(seed, "null", k)) for k in range(null_repeats)]
    rounds += [(case, stream(seed, case.name, k)) for case in known for k in range(repeats)]
    scores = []
    with shown_progress(len(rounds), "self-test", "evaluation", progress) as shown:
        for case, s in rounds:
            scores.append(_scores(dataset, case, cards, samples, s))
            shown.step()
    null, parts = scores[:null_repeats], scores[null_repeats:]
    cells: dict[str, dict[str, Cell | None]] = {card.name: {} for card in cards}
    for k, case in enumerate(known):
        here = parts[k * repeats : (k + 1) * repeats]
        for card in cards:
            cells[card.name][case.name] = _cell(card, case, here, null)
    return SelfTest(str(dataset.card.name), repeats, null_repeats, samples, {c.name: c.what for c in known}, cells)


def cases(dataset: SyntheticDataset, shift: float = SHIFT) -> list[Case]:
    """Return the known cases of a dataset, the truth itself first, each but one with its density."""
    d = math.prod(dataset.shape)

    def truth(n: int, seed: int, train: Array | None = None) -> Array:
        return dataset.sample(n, seed=seed).reshape(n, -1)

    def density(x: Array) -> Array:
        return dataset.log_prob(x.reshape(-1, *dataset.shape))

    def memorised(n: int, seed: int, train: Array) -> Array:
        return train[generator(seed, "copies").integers(len(train), size=n)]

    large = truth(LARGE, stream(0, "selftest"))
    step = np.full(d, shift * math.sqrt(large.var(axis=0).mean() / d))  # along the diagonal
    middle, edge = np.quantile(large[:, 0], [0.5, 1 - DROPPED])
    if dataset.modes is None:
        centres, gap = large.mean(axis=0)[None], f"the {DROPPED:.1%} with the largest first coordinate"
    else:
        centres, gap = dataset.modes.reshape(-1, d), "one mode"

    def outside_gap(x: Array) -> Array:
        return np.asarray(x[:, 0] < edge if dataset.modes is None else _nearest(x, centres) > 0, dtype=np.float64)

    def thin_half(x: Array) -> Array:
        return np.where(x[:, 0] > middle, KEPT, 1.0)

    length = float(np.linalg.norm(step))
    by_thinning = [
        Case(name, what, _thinned(truth, keep), _thinned_density(density, keep, large))
        for name, what, keep in (
            ("dropped mode", f"the truth without {gap}", outside_gap),
            ("wrong weights", "the truth, half of the space with half of its weight", thin_half),
        )
    ]
    return [
        Case("null", "the truth", truth, density),
        Case(
            "mean shift",
            f"the truth, moved by {shift:g} standard deviations",
            lambda n, seed, train: truth(n, seed) + step,
            lambda x: density(x - step),
            {"w2": length, "sliced_w2": length / math.sqrt(d)},  # E ⟨s, θ⟩² = ‖s‖² / d over directions θ
        ),
        *by_thinning,
        Case(
            "variance collapse",
            f"the truth, each point {1 - SHRINK:.0%} nearer to its {'mean' if dataset.modes is None else 'mode'}",
            lambda n, seed, train: _towards(truth(n, seed), centres, SHRINK),
            lambda x: _shrunk_density(x, density, centres),
        ),
        Case("copies", f"{MEMORY:,} training points, again and again", memorised),
    ]


def p_value(score: float, null: Array, higher_is_better: bool) -> float:
    """Return the share of the null scores [n], and of the score itself, that are at least as bad; NaN is the worst.

    For one more score from the null, P(p ≤ α) ≤ α, with equality where (n + 1) α is whole and no scores are equal.
    """
    sign = -1 if higher_is_better else 1
    badness = np.nan_to_num(sign * np.append(null, score), nan=np.inf, posinf=np.inf, neginf=-np.inf)
    return float(np.mean(badness >= badness[-1]))


def binomial_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Clopper & Pearson 1934)."""
    from scipy.stats import binomtest

    ends = binomtest(successes, n).proportion_ci(1 - LEVEL, method="exact")
    return float(ends.low), float(ends.high)


def _cell(card: MetricCard, case: Case, scores: list[dict[str, float]], null: list[dict[str, float]]) -> Cell | None:
    if any(card.name not in part for part in (*scores, *null)):
        return None
    values, region = (np.array([part[card.name] for part in parts]) for parts in (scores, null))
    worse = sum(p_value(value, region, card.higher_is_better) <= LEVEL for value in values)
    better = sum(p_value(value, region, not card.higher_is_better) <= LEVEL for value in values[~np.isnan(values)])
    finite = values[np.isfinite(values)]
    mean = float(finite.mean()) if len(finite) else None
    n = len(values)
    return Cell(mean, worse / n, *binomial_interval(worse, n), better / n, (case.distances or {}).get(card.name))


def _scores(
    dataset: SyntheticDataset, case: Case, cards: Sequence[MetricCard], samples: int, seed: int
) -> dict[str, float]:
    """Return the scores of one draw of a case by the metrics that apply; NaN where one is not finite."""

    def truth(n: int, name: str) -> Array:
        return dataset.sample(n, seed=stream(seed, name)).reshape(n, -1)

    protocol = Protocol(samples, sets=2, set_size=min(500, samples // 2), train=MEMORY, densities=samples // 2)
    test, train = truth(samples, "test"), truth(MEMORY, "train")
    x = case.draw(samples, stream(seed, "samples"), train)
    evidence = Evidence(dataset, x, test, None, stream(seed, "evaluation"), protocol, train)
    if case.log_prob and dataset.has_density:
        evidence.model_log_prob = case.log_prob(test)
        evidence.samples_model_log_prob = case.log_prob(x[: protocol.densities])
    applying = [card.name for card in cards if card.needs <= evidence.has]
    found = evaluate(evidence, applying).metrics
    return {name: math.nan if value is None or math.isinf(value) else value for name, value in found.items()}


def _thinned(truth: Callable[..., Array], keep: Callable[[Array], Array]) -> Callable[[int, int, Array], Array]:
    """Return the sampler of the truth whose points stay with the probability `keep`."""

    def draw(n: int, seed: int, train: Array) -> Array:
        parts: list[Array] = []
        while sum(map(len, parts)) < n:
            x = truth(2 * n, stream(seed, len(parts)))
            parts.append(x[generator(seed, "keep", len(parts)).random(len(x)) < keep(x)])
        return np.concatenate(parts)[:n]

    return draw


def _thinned_density(
    density: Callable[[Array], Array], keep: Callable[[Array], Array], large: Array
) -> Callable[[Array], Array]:
    """Return log p(x) a(x) / E a for the probability a to stay, E a by a large sample of the truth."""
    log_mass = math.log(keep(large).mean())

    def log_prob(x: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(density(x) + np.log(keep(x)) - log_mass)

    return log_prob


def _shrunk_density(x: Array, density: Callable[[Array], Array], centres: Array) -> Array:
    """Return the log-density [n] of the truth moved towards the nearest centre: 0 where no point can have come from."""
    before = _towards(x, centres, 1 / SHRINK)
    same = _nearest(before, centres) == _nearest(x, centres)  # a point stays in the cell of its centre
    return np.where(same, density(before) - x.shape[1] * math.log(SHRINK), -np.inf)


def _towards(x: Array, centres: Array, factor: float) -> Array:
    """Return the points [n, d] with their offsets from the nearest centre times a factor."""
    own = centres[_nearest(x, centres)]
    return np.asarray(own + factor * (x - own))


def _nearest(x: Array, centres: Array) -> Array:
    """Return the index of the nearest centre [n]."""
    return np.asarray(squared_distances(x, centres).argmin(axis=1))
