"""The self-test of metrics: scores of samples with a known fault and without a fault."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genbench.contracts.dataset import Dataset, SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.metric import MetricCard, select_metrics
from genbench.core.errors import GenbenchError, nearest
from genbench.core.progress import shown_progress
from genbench.core.registry import discover
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.faults import MEMORY, SHIFT, Case, cases

__all__ = ["Cell", "SelfTest", "binomial_interval", "p_value", "selftest"]

# Chosen by hand: faults that good metrics find, and not all of them, in a minute.
LEVEL = 0.05  # of the tests, the usual one
NULL_REPEATS = 79  # a score is outside if it is among the 4 worst of 80: exactly LEVEL of the truth's own are


@dataclass(frozen=True)
class Cell:
    """The result of a metric for a case.

    Attributes:
        mean: mean of the finite scores; None if there are none.
        power: share of repeats whose score is worse than 95 % of the truth's.
        low, high: 95 % interval of the power.
        praised: share of repeats whose score is better than 95 % of the truth's, which is an error of the metric.
        exact: the distance in closed form, if there is one.
    """

    mean: float | None
    power: float
    low: float
    high: float
    praised: float
    exact: float | None = None


@dataclass(frozen=True)
class SelfTest:
    """The result of each metric for each case: `cells[metric][case]`.

    It is None where the metric does not apply.
    """

    dataset: str
    repeats: int
    null_repeats: int
    samples: int
    cases: dict[str, str]
    cells: dict[str, dict[str, Cell | None]]

    def public(self) -> dict[str, Any]:
        """Return the result as plain data."""
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
    faults: Sequence[str] | None = None,
) -> SelfTest:
    """Return the results of metrics for models with known faults on a dataset.

    Each case is drawn `repeats` times, with its own samples, test points and references. A score is ranked among those
    of `null_repeats` further draws from the truth. `faults` are the names of the cases besides the truth itself; by
    default, all that the dataset has.

    Raises:
        GenbenchError: the dataset's truth is not known, a metric or a fault is unknown, or a number is too small.
    """
    if not isinstance(dataset, SyntheticDataset):
        raise GenbenchError(
            f"the truth of {dataset.card.name} is unknown, so no fault can be made; choose a synthetic dataset"
        )
    for name, number, least in (("repeats", repeats, 1), ("samples", samples, 50), ("null_repeats", null_repeats, 19)):
        if number < least:
            raise GenbenchError(f"{name}={number} is too few for a self-test; ask for at least {least}")
    discover(groups=("metrics",))
    cards = select_metrics(metrics)
    known = cases(dataset, shift)
    if faults is not None:
        if missing := set(faults) - {case.name for case in known}:
            raise GenbenchError(
                f"{dataset.card.name} has no fault '{min(missing)}'{nearest(min(missing), [c.name for c in known])}"
            )
        known = [case for case in known if case.name in ("null", *faults)]
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


def p_value(score: float, null: Array, higher_is_better: bool) -> float:
    """Return the share of scores that are at least as bad, among null scores [n] and itself.

    NaN is the worst score.

    For a new score from the null distribution, P(p ≤ α) ≤ α, with equality if (n + 1) α is whole and no scores are
    equal.
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
