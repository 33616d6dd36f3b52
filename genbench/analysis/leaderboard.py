"""The leaderboard and its statistics, computed from stored trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.analysis.blind_spots import is_blind
from genbench.analysis.racing import verdict_terms
from genbench.analysis.scores import Row, column_order, fill_cells, set_floors, sort_key
from genbench.analysis.verdicts import Contest, Margin, contests, set_verdicts
from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.notebook_views import TEXTS, NotebookView
from genbench.core.registry import discover, slug
from genbench.core.selection import Selection, parse_list
from genbench.statistics.best import ALPHA
from genbench.statistics.intervals import Method
from genbench.statistics.variance import Components, decompose
from genbench.storage.races import Race
from genbench.storage.records import SAMPLING, Cost, TrialRecord

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Leaderboard", "grouped"]

COSTS = tuple(Cost.model_fields)


@dataclass
class Leaderboard(NotebookView):
    """The rows of a leaderboard, in order.

    They are sorted by dataset and task, then by a metric, best first; failures are last.

    Attributes:
        sort: the metric that was asked for, or else the first that all models have and that detects, in the dimension
            of each table, how coordinates depend on each other. In the second case a single table may be sorted by an
            earlier metric.
        asked: whether the metric was asked for. A table without it is sorted by its own first metric.
    """

    rows: list[Row]
    sort: str | None
    metrics: list[str]
    origin: str = ""  # which code made it
    contests: dict[tuple[str, str], list[Contest]] = field(default_factory=dict, repr=False)  # by place and metric
    margin: Margin | None = None  # that was asked for
    alpha: float = ALPHA
    asked: bool = False
    asked_metrics: str = ""  # the selection of metrics that the run was asked for last
    left_out: int = 0  # rows that `only` left out

    @classmethod
    def of(
        cls,
        trials: Sequence[TrialRecord],
        sort: str | None = None,
        intervals: Method = "auto",
        margin: Margin | None = None,
        alpha: float = ALPHA,
        races: Mapping[str, Race] = {},
    ) -> Leaderboard:
        """Return the leaderboard of some trials, sorted by `sort` or by its default.

        See `Leaderboard.sort` for the default. Intervals are as in `mean_intervals`; `margin` and `alpha` belong to the
        verdicts (`genbench.analysis.verdicts`). `races` names the tables whose seeds were added in a race.

        Raises:
            GenbenchError: no trial has the metric.
        """
        discover(groups=("metrics",))
        rows = [_row(group) for group in grouped(trials).values()]
        fill_cells(rows, intervals)
        names = sorted({name for row in rows for name in row.metrics}, key=column_order)
        if sort is not None and sort not in names:
            raise GenbenchError(f"no metric '{sort}' in this run{nearest(sort, names)}")
        sampled = [row for row in rows if row.task == SAMPLING[0]]
        asked, sort = sort is not None, sort or _default_sort(sampled or rows, names)
        ordered, found = [], {}
        for place in dict.fromkeys(row.place for row in rows):
            here = [row for row in rows if row.place == place]
            set_floors(here)
            own = [name for name in names if any(name in row.metrics for row in here)]
            for name in own:
                terms = verdict_terms(races.get(place), here, name, margin, alpha)
                found[place, name] = contests(here, name, *terms)
                set_verdicts(here, name, found[place, name])
            by = _sorted_by(sort if asked else None, here, own)
            ordered += sorted(here, key=lambda row: sort_key(row, by))
        return cls(ordered, sort, names, contests=found, margin=margin, alpha=alpha, asked=asked)

    def __str__(self) -> str:
        """Return the table as a terminal shows it."""
        write = TEXTS.get("Leaderboard")
        return write(self) if write else repr(self)

    def only(self, models: str) -> Leaderboard:
        """Return the leaderboard with the rows of some models, by label, name or family.

        Verdicts do not change.

        Raises:
            GenbenchError: no row has a model or family of that name.
        """
        labels: dict[str, None] = {}
        for asked in parse_list(models):
            found = [row.model for row in self.rows if row.model == str(asked)]
            found = found or [row.model for row in self.rows if _is(row, asked)]
            if not found:
                known = sorted({name for row in self.rows for name in (row.model, _name(row.model), slug(row.family))})
                raise GenbenchError(f"no model '{shown(str(asked))}' in this run{nearest(str(asked), known)}")
            labels |= dict.fromkeys(found)
        rows = [row for row in self.rows if row.model in labels]
        return replace(self, rows=rows, left_out=self.left_out + len(self.rows) - len(rows))

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as plain data: model, dataset, seeds, failed, likelihood, metrics, cost."""
        rows = [row.public() for row in self.rows]
        return [row | {"metrics": {k: v for k, v in row["metrics"].items() if k in self.metrics}} for row in rows]

    def frame(self) -> pd.DataFrame:
        """Return one row for each model and dataset, with scores and costs.

        The columns of a score are `<metric>_mean`, `_low`, `_high`, `_floor` and `_ratio`.
        """
        import pandas as pd

        return pd.DataFrame([_flat(row, self.metrics) for row in self.rows])

    def sorted_by(self, place: str) -> str | None:
        """Return the metric by which the table of a place is sorted."""
        here = [row for row in self.rows if row.place == place]
        own = [name for name in self.metrics if any(name in row.metrics for row in here)]
        return _sorted_by(self.sort if self.asked else None, here, own)

    def components(self, row: Row) -> dict[str, Components]:
        """Return the shares of data, initialisation and sampling in a row's spread, by metric.

        It needs the task `variance`, at least two seeds, and finite scores; otherwise it is {}.
        """
        known = {name: np.array(values) for name, values in row.nested.items() if len(values) > 1}
        return {name: decompose(values) for name, values in known.items() if np.isfinite(values).all()}


def grouped(trials: Sequence[TrialRecord]) -> dict[tuple[str, str], list[TrialRecord]]:
    """Return the trials by dataset (and task, where it matters) and by model, in order."""
    groups: dict[tuple[str, str], list[TrialRecord]] = {}
    for trial in trials:
        groups.setdefault((trial.place, trial.model), []).append(trial)
    return groups


def _row(trials: list[TrialRecord]) -> Row:
    first, fine = trials[0], [t for t in trials if t.status == "ok"]
    costs = [t.cost.model_dump() for t in fine]
    # Sorted, so that equal leaderboards are equal files.
    names = sorted({name for t in trials for name in t.metrics}, key=column_order)
    values = {name: {t.seed: v for t in fine if (v := t.metrics.get(name)) is not None} for name in names}
    statuses = Counter(str(t.status) for t in trials)
    return Row(
        model=first.model,
        dataset=first.dataset,
        task=first.spec.task if not first.sampled else SAMPLING[0],
        place=first.place,
        family=first.family,
        role=first.role,
        likelihood=(fine or trials)[0].likelihood,
        seeds=len(fine),
        failed=len(trials) - len(fine),
        statuses=dict(statuses),
        metrics={},
        cost={name: _mean([cost[name] for cost in costs]) for name in COSTS},
        flags=[flag.model_copy(update={"seed": t.seed}) for t in fine for flag in t.flags],
        values=values,
        draws={name: [t.draws[name] for t in fine if name in t.draws] for name in names},
        nested={name: [t.nested[name] for t in fine if name in t.nested] for name in names},
        standard_errors=_errors(fine),
        samples=first.spec.protocol.samples,
        dim=next((t.dim for t in fine if t.dim), None),
        budgets=tuple(sorted({t.budget for t in trials})),
        versions=_versions(fine),
        machines=_machines(fine),
        tuned=first.spec.tuned,
    )


def _versions(trials: list[TrialRecord]) -> dict[str, tuple[str, ...]]:
    """Return the versions of each library that trials ran with, those that are known."""
    found = [trial.provenance.versions for trial in trials]
    names = sorted({name for versions in found for name in versions})
    return {name: tuple(sorted({each[name] for each in found if name in each})) for name in names}


def _machines(trials: list[TrialRecord]) -> tuple[tuple[str, str, str], ...]:
    """Return the processors, devices and numbers of threads that trials ran with, those that are known."""
    ran = [trial.provenance for trial in trials if trial.provenance.known]
    found = {(each.processor, each.device, f"{each.threads} thread{'' if each.threads == 1 else 's'}") for each in ran}
    return tuple(sorted(found))


def _errors(trials: list[TrialRecord]) -> dict[str, float]:
    """Return the root mean square of the trials' standard errors, by metric."""
    names = dict.fromkeys(name for trial in trials for name in trial.standard_errors)
    squares = {name: [t.standard_errors[name] ** 2 for t in trials if name in t.standard_errors] for name in names}
    return {name: float(np.sqrt(np.mean(values))) for name, values in squares.items()}


def _sorted_by(sort: str | None, here: list[Row], own: list[str]) -> str | None:
    return sort if sort in own else _default_sort(here, own)


def _default_sort(rows: list[Row], names: list[str]) -> str | None:
    """Return the first metric that all models have and that is not blind where a row is, or else the first of all."""
    alive = [row for row in rows if row.seeds]
    shared = [name for name in names if all(row.metrics.get(name) for row in alive)]
    seeing = [name for name in shared if not any(is_blind(name, row.dim, row.samples) for row in alive)]
    return next(iter([*seeing, *shared, *names]), None)


def _is(row: Row, asked: Selection) -> bool:
    """Return whether a row is of a model, or a family, of that name."""
    return str(asked) == _name(row.model) or (not asked.params and slug(asked.name) == slug(row.family))


def _name(label: str) -> str:
    """Return the name of a model without its parameters."""
    return label.partition("[")[0]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _flat(row: Row, metrics: list[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {
        name: vars(row)[name] for name in ("model", "dataset", "family", "likelihood", "seeds", "failed")
    }
    for name in metrics:
        cell = row.metrics.get(name)
        for part in ("mean", "low", "high", "floor", "ratio", "ratio_low", "ratio_high"):
            flat[f"{name}_{part}"] = vars(cell)[part] if cell else None
        flat[f"{name}_verdict"] = cell.verdict if cell else None
        for end, part in enumerate(("worse_by_low", "worse_by_high")):
            flat[f"{name}_{part}"] = cell.worse_by[end] if cell and cell.worse_by else None
    return flat | row.cost
