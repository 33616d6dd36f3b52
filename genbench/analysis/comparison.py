"""Comparison of two runs, or of two models of one run, score by score.

It finds what changed, and which differences are significant.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np

from genbench.analysis.environments import differences, facts_of
from genbench.analysis.pairing import Pair, find_pairs, some
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of, column_order, finite
from genbench.analysis.verdicts import ROUNDING, USUAL_MARGIN, Margin, Scale, scale_of
from genbench.core.errors import GenbenchError, nearest
from genbench.core.registry import discover
from genbench.statistics.differences import Differences, Scores, simultaneous
from genbench.statistics.resolution import smallest_difference

__all__ = ["ComparedScore", "Comparison", "Outcome", "compare"]

Outcome = Literal["better", "worse", "as good", "open"]


@dataclass
class ComparedScore:
    """One metric of one model on one dataset in B, against A.

    Means are over the compared seeds.
    """

    dataset: str
    model: str  # of B
    against: str  # the model of A that it is compared with; the same one when two runs are compared
    metric: str
    seeds: int = 0  # the common ones, or the smaller of two unpaired numbers
    paired: bool = True  # whether the seeds are common
    mean_a: float | None = None
    mean_b: float | None = None
    difference: float | None = None  # mean_b − mean_a; None where both are infinite
    quotient: float | None = None  # geometric mean of B / A, where scores are compared by quotients
    scale: Scale | None = None  # of `low`, `high` and `margin`: B / A or B − A; None where nothing was compared
    low: float | None = None  # interval of the quotient or the difference, simultaneous over all rows of the metric
    high: float | None = None
    margin: float | None = None  # how far B may lie from A and still be as good
    p: float | None = None  # that there is no difference, for the row alone
    p_adjusted: float | None = None  # the same for all rows of the metric; below alpha the interval excludes equality
    verdict: Outcome = "open"  # on B, by the interval
    reason: str = ""  # why there is no verdict, or what else a reader should know about it
    failures: list[str] = field(default_factory=list)  # of A and of B; their seeds are not compared
    notes: list[str] = field(default_factory=list)  # what differs between the trials


@dataclass
class Comparison:
    """The result of `compare`, by dataset, model and metric, and other differences of runs."""

    a: str  # the folder of a run
    b: str
    alpha: float  # how often, for each metric, any interval may miss
    rows: list[ComparedScore]
    environment: list[str] = field(default_factory=list)  # such as "torch: 2.5 -> 2.6"
    changed_code: dict[str, str] = field(default_factory=dict)  # module -> the rows that it concerns
    parameters: list[str] = field(default_factory=list)  # with the rows that each concerns
    left_out: list[str] = field(default_factory=list)  # models on datasets that only one of the runs has

    @property
    def code(self) -> list[str]:
        """The changes of code, as text."""
        return [f"code of {module} changed ({where})" for module, where in self.changed_code.items()]

    @property
    def regressions(self) -> list[ComparedScore]:
        """The rows in which B is worse."""
        return [row for row in self.rows if row.verdict == "worse"]

    @property
    def metrics(self) -> list[str]:
        """The metrics that are compared, in the order of a leaderboard's columns."""
        return sorted({row.metric for row in self.rows}, key=column_order)

    def only(self, metrics: Sequence[str]) -> Comparison:
        """Return the comparison by some metrics.

        Verdicts do not change, because intervals are simultaneous within each metric.

        Raises:
            GenbenchError: no row has the metric.
        """
        for name in metrics:
            if name not in self.metrics:
                raise GenbenchError(f"no metric '{name}' that A and B both have{nearest(name, self.metrics)}")
        return replace(self, rows=[row for row in self.rows if row.metric in metrics])

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as plain data."""
        return [asdict(row) for row in self.rows]


def compare(
    a: RunData, b: RunData, models: Sequence[str] = (), alpha: float = 0.05, margin: Margin | None = None
) -> Comparison:
    """Compare run B with run A: each model on each dataset and with the seeds of both.

    Scores are compared as in a table, by quotients or by differences (`genbench.analysis.verdicts`). B is better or
    worse if the interval excludes equality, as good if the interval is inside the margin, and otherwise open.

    Args:
        models: labels of models to compare; all unless given. Within one run (b is a), the later ones are compared with
            the first.
        alpha: for each metric, the probability that any interval is wrong. If nothing differs, B is called better or
            worse with this probability.
        margin: the largest difference of B and A that counts as equal. Unless given, it is 10 % for quotients, and for
            differences the smallest that the test points can show.

    Raises:
        GenbenchError: there is nothing to compare, a model is unknown, or alpha is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise GenbenchError(f"alpha={alpha} is not between 0 and 1; give 0.05, the usual value")
    discover(groups=("metrics",))
    pairs, left_out = find_pairs(a, b, models)
    cells = [(_row(pair, name), pair) for pair in pairs for name in sorted(pair.metrics, key=column_order)]
    by_metric: dict[str, list[tuple[ComparedScore, Pair]]] = defaultdict(list)
    for row, pair in cells:
        if not row.reason:
            by_metric[row.metric].append((row, pair))
    for family in by_metric.values():
        _fill_verdicts(family, alpha, margin or Margin())
    rows = [row for row, _ in cells]
    settings = _concerned([(word, pair) for pair in pairs for word in pair.changed_settings], len(pairs))
    code = _concerned([(module, pair) for pair in pairs for module in pair.changed_code], len(pairs))
    environment = differences(*(facts_of(run.trials, run.record.environment) for run in (a, b)))
    parameters = [f"{word} ({where})" for word, where in settings.items()]
    return Comparison(str(a.path), str(b.path), alpha, rows, environment, code, parameters, left_out)


def _row(pair: Pair, metric: str) -> ComparedScore:
    """Return the row of a metric: the means, and where there is nothing to test, why."""
    x, y = pair.values(metric)
    row = ComparedScore(dataset=pair.dataset, model=pair.after[0].model, against=pair.before[0].model, metric=metric)
    row.seeds, row.paired = min(len(x), len(y)), x.keys() == y.keys() or not (x and y)
    row.mean_a, row.mean_b = _mean(x), _mean(y)
    if row.mean_a is not None and row.mean_b is not None and (math.isfinite(row.mean_a) or math.isfinite(row.mean_b)):
        row.difference = row.mean_b - row.mean_a
    infinite = _infinite(x, y)
    row.reason = _untestable(pair, metric, row) or infinite
    if not pair.incomparable and (row.mean_a is None or row.mean_b is None):
        row.verdict = _survival(*([trial.status == "ok" for trial in side] for side in pair.sides))
    elif infinite and row.reason == infinite:
        row.verdict = _survival(*([math.isfinite(value) for value in side.values()] for side in (x, y)))
    row.notes, row.failures = pair.changes, pair.failures
    return row


def _untestable(pair: Pair, metric: str, row: ComparedScore) -> str:
    """Return why the scores cannot be tested; "" where they can."""
    if pair.incomparable:
        return pair.incomparable
    for mean, trials, side in ((row.mean_a, pair.before, "A"), (row.mean_b, pair.after, "B")):
        if mean is None:
            all_failed = all(trial.status != "ok" for trial in trials)
            return f"all trials of {side} failed" if all_failed else f"no score in {side}"
    a, b = pair.likelihoods
    if card_of(metric).by_likelihood and a != b:
        return f"{a} against {b}"
    if row.seeds < 2:
        return f"one {'common seed' if row.paired else 'seed on a side'}; a verdict needs 2 or more"
    return ""


def _mean(values: Mapping[int, float]) -> float | None:
    """Return the mean; None of nothing, and of infinities of both signs."""
    if not values:
        return None
    with np.errstate(invalid="ignore"):
        mean = float(np.mean(list(values.values())))
    return None if math.isnan(mean) else mean


def _infinite(a: Mapping[int, float], b: Mapping[int, float]) -> str:
    """Return at how many seeds the scores of A and of B are infinite, which no test can weigh; "" at none."""
    counts = [(side, sum(map(math.isinf, scores.values())), len(scores)) for side, scores in (("A", a), ("B", b))]
    return ", ".join(f"infinite in {side} at {n} of {of} seeds" for side, n, of in counts if n)


def _survival(a: Sequence[bool], b: Sequence[bool]) -> Outcome:
    """Return the verdict where B is fine or not at each seed, 2 or more: on what never is where the other always is."""
    if min(len(a), len(b)) < 2:
        return "open"
    return "worse" if all(a) and not any(b) else "better" if all(b) and not any(a) else "open"


def _fill_verdicts(family: Sequence[tuple[ComparedScore, Pair]], alpha: float, margin: Margin) -> None:
    """Put interval, p-values, margin and verdict into the rows of one metric, all at once."""
    by_dataset: dict[str, list[float]] = defaultdict(list)
    for row, pair in family:
        by_dataset[row.dataset] += [value for side in pair.values(row.metric) for value in side.values()]
    card = card_of(family[0][0].metric)
    scales = {dataset: scale_of(card, np.array(values)) for dataset, values in by_dataset.items()}
    scores = []
    for row, pair in family:
        row.scale = scales[row.dataset]
        x, y = (np.array(list(side.values()), dtype=np.float64) for side in pair.values(row.metric))
        if row.scale == "quotient":  # spreads of logarithms are alike on all datasets, those of other scores are not
            scores.append(Scores(np.log(x), np.log(y), row.paired))
        else:
            scores.append(Scores(x, y, row.paired, group=row.dataset))
    found = simultaneous(scores, alpha)
    for i, (row, pair) in enumerate(family):
        row.margin = _margin(row, pair, margin)
        _fill(row, found, i)
        row.verdict = _verdict(row, found.low[i], found.high[i], alpha)


def _fill(row: ComparedScore, found: Differences, i: int) -> None:
    """Put the i-th of the differences into a row, and what a reader should know of it."""
    ends, difference = (float(found.low[i]), float(found.high[i])), float(found.difference[i])
    if row.scale == "quotient":
        row.quotient, ends = finite(_exp(difference)), (_exp(ends[0]), _exp(ends[1]))
    row.low, row.high = finite(ends[0]), finite(ends[1])
    row.p, row.p_adjusted = finite(found.p[i]), finite(found.p_adjusted[i])
    if row.p is None or np.isnan(found.low[i]):
        row.reason = "no spread over seeds to compare the difference with"
    elif not row.paired:
        row.reason = "unpaired: no seed in common"


def _verdict(row: ComparedScore, low: float, high: float, alpha: float) -> Outcome:
    """Return the verdict on B by the interval of b − a, on the scale on which they are compared.

    Without an interval, where the difference is the same at each seed, p decides. With a failure on either side B may
    be better or worse on the other seeds, but it is not as good.
    """
    more = low > 0 or (math.isnan(low) and (row.difference or 0) > 0)
    if low > 0 or high < 0 or (math.isnan(low) and row.p_adjusted is not None and row.p_adjusted < alpha):
        return "better" if more == card_of(row.metric).higher_is_better else "worse"
    if row.failures:  # of seeds that are not compared; nothing says that B is as good there
        return "open"
    margin = row.margin or 0.0
    if row.scale == "quotient":
        margin = math.log(row.margin or 1.0)
    return "as good" if -margin <= low and high <= margin else "open"


def _margin(row: ComparedScore, pair: Pair, asked: Margin) -> float | None:
    """Return how far B may lie from A, a quotient or a difference; None if nothing says it."""
    if row.scale == "quotient":
        return 1 + (USUAL_MARGIN if asked.share is None else asked.share)
    if asked.difference is not None:
        return asked.difference
    errors = [e for trial in (*pair.before, *pair.after) if (e := trial.standard_errors.get(row.metric)) is not None]
    sd = float(np.sqrt(np.mean(np.square(errors)))) if errors else 0.0
    return smallest_difference(sd, row.seeds) if sd > ROUNDING else None


def _exp(x: float) -> float:
    return math.exp(min(x, 700.0))  # the largest is near 709


def _concerned(words: Sequence[tuple[str, Pair]], total: int) -> dict[str, str]:
    """Return each word with the pairs, of `total`, that it concerns."""
    concerned: dict[str, list[str]] = defaultdict(list)
    for word, pair in words:
        concerned[word].append(str(pair))
    return {word: "everywhere" if len(where) == total > 1 else some(where) for word, where in concerned.items()}
