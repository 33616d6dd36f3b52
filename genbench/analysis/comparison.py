"""Two runs, or two models of one run, compared score by score: what changed, and which differences are significant."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from genbench.analysis.pairing import Pair, find_pairs, some
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of, column_order, finite
from genbench.core.errors import GenbenchError, nearest
from genbench.core.registry import discover
from genbench.core.types import Array
from genbench.statistics.paired import Verdict, holm, paired_tests, verdict, welch_tests

__all__ = ["ComparedScore", "Comparison", "compare"]


@dataclass
class ComparedScore:
    """One metric of one model on one dataset in B, against A; means are over the seeds that are compared."""

    dataset: str
    model: str  # of B
    against: str  # the model of A that it is compared with; the same one when two runs are compared
    metric: str
    seeds: int = 0  # the common ones, or the smaller of two unpaired numbers
    paired: bool = True  # whether the seeds are common
    mean_a: float | None = None
    mean_b: float | None = None
    difference: float | None = None  # mean_b − mean_a; None where both are infinite
    low: float | None = None  # its 95 % interval, not adjusted for the number of differences
    high: float | None = None
    p: float | None = None  # of the t-test, paired or Welch's
    p_adjusted: float | None = None  # the same by Holm over all rows of the metric
    verdict: Verdict = "cannot tell"  # on B, by p_adjusted
    reason: str = ""  # why there is no verdict, or what else a reader should know about it
    failures: list[str] = field(default_factory=list)  # of A and of B; their seeds are not compared
    notes: list[str] = field(default_factory=list)  # what differs between the trials


@dataclass
class Comparison:
    """What `compare` found, by dataset, model and metric, and what else differs between the runs."""

    a: str  # the folder of a run
    b: str
    alpha: float  # adjusted p-values below it are a verdict
    rows: list[ComparedScore]
    environment: list[str] = field(default_factory=list)  # such as "torch: 2.5 -> 2.6"
    changed_code: dict[str, str] = field(default_factory=dict)  # module -> the rows that it concerns
    parameters: list[str] = field(default_factory=list)  # with the rows that each concerns
    left_out: list[str] = field(default_factory=list)  # models on datasets that only one of the runs has

    @property
    def code(self) -> list[str]:
        """The changes of code, in words."""
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
        """Return the comparison by some metrics; verdicts stay, since p is adjusted within each metric.

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


def compare(a: RunData, b: RunData, models: Sequence[str] = (), alpha: float = 0.05) -> Comparison:
    """Compare run B against run A: each model on each dataset that both have, by the seeds that both have.

    Args:
        models: labels to compare, all unless given. Within one run (b is a), the later ones against the first.
        alpha: how often, for each metric, a verdict other than "cannot tell" may fall where nothing differs.

    Raises:
        GenbenchError: there is nothing to compare, a model is unknown, or alpha is not between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise GenbenchError(f"alpha={alpha} is not between 0 and 1; 0.05 is usual")
    discover(groups=("metrics",))
    pairs, left_out = find_pairs(a, b, models)
    cells = [(_row(pair, name), pair) for pair in pairs for name in sorted(pair.metrics, key=column_order)]
    _test([(row, pair) for row, pair in cells if not row.reason])
    rows = [row for row, _ in cells]
    for name in dict.fromkeys(row.metric for row in rows):
        _set_verdicts([row for row in rows if row.metric == name], alpha)
    settings = _concerned([(word, pair) for pair in pairs for word in pair.changed_settings], len(pairs))
    code = _concerned([(module, pair) for pair in pairs for module in pair.changed_code], len(pairs))
    environment = _environment_changes(a.record.environment, b.record.environment)
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


def _survival(a: Sequence[bool], b: Sequence[bool]) -> Verdict:
    """Return the verdict where B is fine or not at each seed, 2 or more: on what never is where the other always is."""
    if min(len(a), len(b)) < 2:
        return "cannot tell"
    return "worse" if all(a) and not any(b) else "better" if all(b) and not any(a) else "cannot tell"


def _test(cells: Sequence[tuple[ComparedScore, Pair]]) -> None:
    """Put interval and p-value into the rows, all at once: the paired t-test, or Welch's where no seed is common."""
    tests: tuple[tuple[bool, Callable[..., Any]], ...] = ((True, paired_tests), (False, welch_tests))
    for is_paired, test in tests:
        rows = [row for row, _ in cells if row.paired == is_paired]
        values = [pair.values(row.metric) for row, pair in cells if row.paired == is_paired]
        if not rows:
            continue
        _, _, *found = test(*map(_padded, zip(*values, strict=True)))
        for row, low, high, p in zip(rows, *found, strict=True):
            row.low, row.high, row.p = finite(low), finite(high), finite(p)
            if row.p is None:
                row.reason = "no spread over seeds to test the difference by"
            elif not is_paired:
                row.reason = "unpaired: no seed in common"


def _set_verdicts(rows: Sequence[ComparedScore], alpha: float) -> None:
    """Put Holm's p-value and the verdict into the rows of one metric; a row without a test keeps what it has."""
    adjusted = holm(np.array([np.nan if row.p is None else row.p for row in rows]))
    for row, p in zip(rows, adjusted, strict=True):
        row.p_adjusted = finite(p)
        if row.p_adjusted is not None and row.difference is not None:
            row.verdict = verdict(row.difference, row.p_adjusted, card_of(row.metric).higher_is_better, alpha)


def _padded(scores: Sequence[Mapping[int, float]]) -> Array:
    """Return scores by seed, of different numbers of seeds, as [r, n], filled up with NaN."""
    return np.array(list(zip_longest(*(row.values() for row in scores), fillvalue=np.nan))).T


def _concerned(words: Sequence[tuple[str, Pair]], total: int) -> dict[str, str]:
    """Return each word with the pairs, of `total`, that it concerns."""
    concerned: dict[str, list[str]] = defaultdict(list)
    for word, pair in words:
        concerned[word].append(str(pair))
    return {word: "everywhere" if len(where) == total > 1 else some(where) for word, where in concerned.items()}


def _environment_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what differs between two environments, in words; the command lines always may."""
    old, new = _flat(before), _flat(after)
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    return [f"{name}: {old.get(name)} -> {new.get(name)}" for name in names]


def _flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: fact for name, fact in environment.items() if name not in ("command", "libraries")}
    return facts | dict(environment.get("libraries", {}))
