"""Repetition of a stored trial with today's code, and the agreement of scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genbench.contracts.data_files import DataSelection
from genbench.core.errors import GenbenchError
from genbench.core.selection import Selection
from genbench.runs.outside import todays_outside
from genbench.runs.plan import make_plan
from genbench.runs.reload import require_plugins
from genbench.runs.tuned import as_recorded
from genbench.storage.records import TrialRecord, TrialSpec

__all__ = ["ROUNDING", "Agreement", "agreement", "todays"]

ROUNDING = 1e-6  # relative difference of two scores that is rounding: by hand, of single precision over a training run


@dataclass(frozen=True)
class Agreement:
    """The agreement of scores in two runs of a trial.

    Attributes:
        kind: "bit", "rounding" or "different".
        scores: number of scores.
        largest: largest relative difference.
        words: the scores with this difference, as text; "" if all are equal.
    """

    kind: str
    scores: int
    largest: float
    words: str


def todays(spec: TrialSpec) -> TrialSpec:
    """Return the spec that `run` would make today for a trial's row and seed.

    Raises:
        NeedsPlugin: it needs code that may not be imported.
        GenbenchError: its model, its data or a metric are not available any more.
    """
    require_plugins(spec, metrics=True)
    if spec.outside:
        return todays_outside(spec)
    data = [DataSelection(Selection(spec.dataset_name, spec.dataset_params))]
    asked = (spec.model, data, [spec.seed], spec.budget, ",".join(spec.metrics), spec.task, spec.protocol)
    plan = make_plan(*asked, as_recorded(spec))
    found = next((one for one in plan.trials if one.model == spec.model), None)
    if found is None:
        raise GenbenchError(f"{spec.model} is not planned any more under this name")
    return found.model_copy(update={"dataset": spec.dataset, "steps": spec.steps})


def agreement(before: TrialRecord, after: TrialRecord) -> Agreement:
    """Return how well the scores of two records of one trial agree."""
    if before.status != after.status:
        what = f": {after.error}" if after.error else ""
        return Agreement("different", 0, math.inf, f"{before.status} before, {after.status} now{what}")
    apart = _distances(before.metrics, after.metrics)
    largest, name = max(apart, default=(0.0, ""))
    if largest == 0:
        return Agreement("bit", len(apart), 0.0, "")
    words = f"at most {largest:.1e} apart ({name}: {before.metrics.get(name)} before, {after.metrics.get(name)} now)"
    return Agreement("rounding" if largest <= ROUNDING else "different", len(apart), largest, words)


def _distances(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> Sequence[tuple[float, str]]:
    """Return how far apart the scores of each metric are, relative to the larger; infinity where one is none."""
    found = []
    for name in dict.fromkeys([*before, *after]):
        a, b = before.get(name), after.get(name)
        if a is None and b is None:
            continue
        if a is None or b is None or (a != b and not math.isfinite(a - b)):
            found.append((math.inf, name))
        else:
            found.append((0.0 if a == b else abs(a - b) / max(abs(a), abs(b)), name))
    return found
