"""Quality against network evaluations: stored models with other numbers of solver steps."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from genbench.analysis.run_data import RunData
from genbench.analysis.scores import finite
from genbench.contracts.dataset import DATASETS
from genbench.contracts.evidence import Protocol
from genbench.contracts.metric import select_metrics
from genbench.contracts.model import MODELS
from genbench.core.errors import GenbenchError, collected_warnings, nearest
from genbench.core.library_patches import taken_back
from genbench.core.plugin_loading import in_use
from genbench.core.process_state import put_back
from genbench.core.recorded_plugins import discover_recorded
from genbench.core.registry import discover, named
from genbench.core.regular_files import read_regular
from genbench.core.selection import parse_list
from genbench.core.strict_json import strict_json
from genbench.estimator.estimator import Estimator
from genbench.evaluation.model_outputs import ModelOutputs, draw, score_trial
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.code import sources_of
from genbench.runs.parallel import perform_each
from genbench.runs.reload import CannotReload, Trained, plugins_of_trial, reload, require_plugins
from genbench.statistics.intervals import mean_intervals
from genbench.storage.limits import RECORD, Number, is_key
from genbench.storage.records import SCHEMA, TrialRecord
from genbench.storage.store import SWEEPS, Store, parsed
from genbench.tasks.steps import fitted

__all__ = ["METRICS", "SAMPLES", "STEPS", "Point", "Sweep", "SweepRow", "read_sweeps", "summary", "sweep"]

STEPS = (1, 2, 5, 10, 20, 50, 100)  # even on a logarithmic axis, as papers on samplers show them
METRICS = "sliced_w2,w2"
SAMPLES = 10_000  # chosen by hand: noise of the scores against seconds for each number of steps
PARAMETER = "steps"  # of a model's constructor: what is swept


class SweepRow(BaseModel):
    """The scores and the cost of samples with one number of steps.

    The oracle takes no steps; its `steps` is 0.

    Attributes:
        nfe: number of network evaluations for a sample.
        seconds: wall-clock seconds for drawing all samples, with one torch thread.
        reason: why there are no scores.
    """

    steps: int
    nfe: int | None = None
    seconds: Number | None = None
    metrics: dict[str, Number | None] = {}
    reason: str = ""


class Sweep(BaseModel):
    """The rows of one trial, in the form of results/<run>/sweeps/<key>.json."""

    model_config = ConfigDict(populate_by_name=True)

    schema_version: int = Field(default=SCHEMA, alias="schema")
    model: str
    dataset: str
    seed: int
    role: str
    samples: int
    sources: dict[str, str]
    rows: list[SweepRow] = []


@dataclass(frozen=True)
class Point:
    """One model on one dataset with one number of steps: means over seeds.

    Attributes:
        nfe: number of network evaluations for a sample.
        speed: samples per second, with one torch thread.
        scores: mean and ends of its 95 % interval, by metric.
        floors: the oracle's mean for the same seeds and number of samples, by metric.
        reason: why there are no scores.
    """

    dataset: str
    model: str
    steps: int
    seeds: int
    nfe: float | None
    speed: float | None
    scores: dict[str, tuple[float, float | None, float | None]]
    floors: dict[str, float]
    reason: str = ""


def sweep(
    run: RunData,
    models: str = "all",
    steps: Sequence[int] = STEPS,
    samples: int = SAMPLES,
    metrics: str = METRICS,
    jobs: int | None = None,
    progress: bool = True,
) -> list[str]:
    """Score samples of trained models for several numbers of solver steps.

    Results are written to RUN/sweeps/<key>.json, for every trial whose model has `steps` and stored weights. Existing
    results are not computed again. The oracle is scored with the same number of samples.

    Args:
        models: labels of the run's table, or "all".

    Returns:
        a line for each trial that could not be swept, with the reason.

    Raises:
        GenbenchError: a name is unknown, a number is out of range, or no model of the run takes `steps`.
    """
    if not steps or min(steps) < 1:
        raise GenbenchError(
            f"steps {', '.join(map(str, steps)) or 'is an empty list'}: give whole numbers of 1 or more"
        )
    Protocol().asked(samples=samples)
    fine = [trial for trial in run.trials if trial.status == "ok" and trial.sampled]
    discover_recorded(source for trial in fine for source in trial.spec.plugins)
    names = tuple(card.name for card in select_metrics(metrics))
    able = [trial for trial in fine if PARAMETER in trial.spec.params]
    chosen = _choose(able, models)
    data = {(trial.dataset, trial.seed) for trial in chosen}
    oracles = [trial for trial in fine if trial.role == "oracle" and (trial.dataset, trial.seed) in data]
    wanted = tuple(sorted(set(steps)))
    asked = [
        (str(run.path), t.key, (0,) if t.role == "oracle" else wanted, samples, names, named())
        for t in oracles + chosen
    ]
    return [reason for reason in perform_each(_perform, asked, jobs, "sweep", progress) if reason]


def read_sweeps(run: RunData) -> list[Sweep]:
    """Return the sweeps of the trials in a run's table; unreadable files are left out."""
    files = {file.stem: file for file in (run.path / SWEEPS).glob("*.json")}  # one look, whatever the number of trials
    found = [_read(files[key]) for key in run.record.trials if is_key(key) and key in files]
    return [each for each in found if each is not None]


def summary(sweeps: Sequence[Sweep]) -> list[Point]:
    """Return the means over seeds, by dataset, model and steps, without the oracle."""
    groups: dict[tuple[str, str, int], list[tuple[Sweep, SweepRow]]] = defaultdict(list)
    for each in sweeps:
        if each.role != "oracle":
            for row in each.rows:
                groups[each.dataset, each.model, row.steps].append((each, row))
    floors = {(each.dataset, each.seed): each.rows[0].metrics for each in sweeps if each.role == "oracle"}
    points = []
    for (dataset, model, steps), group in groups.items():
        fine = [(each, row) for each, row in group if not row.reason]
        names = list(dict.fromkeys(name for _, row in fine for name in row.metrics))
        scores = {name: [v for _, row in fine if (v := row.metrics.get(name)) is not None] for name in names}
        under = [floors.get((dataset, each.seed), {}) for each, _ in fine]
        lowest = {name: [v for floor in under if (v := floor.get(name)) is not None] for name in names}
        points.append(
            Point(
                dataset,
                model,
                steps,
                seeds=len(fine),
                nfe=_mean([row.nfe for _, row in fine if row.nfe is not None]),
                speed=_mean([each.samples / row.seconds for each, row in fine if row.seconds]),
                scores={name: _interval(values) for name, values in scores.items() if values},
                floors={name: sum(values) / len(values) for name, values in lowest.items() if values},
                reason=next((row.reason for _, row in group if row.reason), ""),
            )
        )
    return points


def _interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Return the mean and the ends of its interval; one value has none."""
    mean, low, high = (float(part[0]) for part in mean_intervals(np.array([values])))
    return mean, finite(low), finite(high)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _choose(able: list[TrialRecord], models: str) -> list[TrialRecord]:
    labels = list(dict.fromkeys(trial.model for trial in able))
    if not labels:
        raise GenbenchError(f"no model of this run has a parameter '{PARAMETER}'; nothing to sweep")
    if models.strip() == "all":
        return able
    asked = [str(spec) for spec in parse_list(models)]
    for name in asked:
        if name not in labels:
            raise GenbenchError(f"no model '{name}' with a parameter '{PARAMETER}' in this run{nearest(name, labels)}")
    return [trial for trial in able if trial.model in asked]


def _perform(
    path: str, key: str, steps: tuple[int, ...], samples: int, metrics: tuple[str, ...], plugins: tuple[str, ...]
) -> str:
    """Sweep one trial and write its file; return why it could not be swept."""
    store = Store(path)
    trial = store.read(key)
    file = store.path / SWEEPS / f"{key}.json"
    try:
        discover(plugins)
        require_plugins(trial.spec)
        with collected_warnings(), put_back(), in_use(plugins_of_trial(trial.spec)), taken_back():
            present = _begin(file, trial, samples, metrics)
            todo = [n for n in steps if n not in {row.steps for row in present.rows}]
            if todo:
                rows = _rows(store, trial, todo, samples, metrics)
                present.rows = sorted([*present.rows, *rows], key=lambda row: row.steps)
                text = strict_json(present.model_dump(mode="json", by_alias=True))
                store.write_text(f"{SWEEPS}/{key}.json", f"{text}\n")
    except GenbenchError as error:
        reason = error.reason if isinstance(error, CannotReload) else str(error)
        return f"{trial.model} on {trial.dataset}, seed {trial.seed}: {reason}"
    return ""


def _begin(file: Path, trial: TrialRecord, samples: int, metrics: tuple[str, ...]) -> Sweep:
    """Return what is there of a sweep with as many samples, the same code and all the metrics; else an empty one."""
    spec = trial.spec
    sources = sources_of(spec.task, MODELS[spec.model_name], spec.params, DATASETS[spec.dataset_name], metrics)
    found = _read(file)
    if found and found.samples == samples and sources.items() <= found.sources.items():
        return found
    identity = {name: getattr(trial, name) for name in ("model", "dataset", "seed", "role")}
    return Sweep(**identity, samples=samples, sources=sources)


def _read(file: Path) -> Sweep | None:
    try:
        return parsed(file, read_regular(file, file.parent.parent, RECORD), Sweep)
    except (OSError, GenbenchError):
        return None


def _rows(store: Store, old: TrialRecord, todo: list[int], samples: int, metrics: tuple[str, ...]) -> list[SweepRow]:
    protocol = replace(old.spec.protocol, samples=samples)
    trial = ResolvedTrial.of(old.spec.model_copy(update={"metrics": metrics, "protocol": protocol}))
    if trial.of_oracle:
        return [_row(trial, fitted(trial), 0)]
    trained = Trained(old.spec, store.weights(old.key), "trained")
    rows = []
    for n in todo:
        try:
            rows.append(_row(trial, reload(trained, {PARAMETER: n}, trial=trial), n))
        except CannotReload:
            raise
        except GenbenchError as error:
            rows.append(SweepRow(steps=n, reason=str(error)))
    return rows


def _row(trial: ResolvedTrial, estimator: Estimator, steps: int) -> SweepRow:
    """Draw and score; the seconds are those of the scored samples."""
    begin = time.perf_counter()
    outputs = ModelOutputs(draw(trial, estimator, trial.spec.seed))
    seconds = time.perf_counter() - begin
    metrics = score_trial(trial, estimator, outputs).metrics
    return SweepRow(steps=steps, nfe=estimator.nfe, seconds=seconds, metrics=metrics)
