"""New scores for a stored run, from samples, densities and weights, without training."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from genbench.analysis.run_data import RunData
from genbench.contracts.data_files import DataSelection
from genbench.contracts.dataset import DATASETS
from genbench.contracts.evidence import Protocol
from genbench.contracts.metric import METRICS, spelled_out
from genbench.core.environment import command, commit
from genbench.core.errors import GenbenchError, collected_warnings
from genbench.core.exception_text import message_of
from genbench.core.files import link_or_copy
from genbench.core.interrupts import must_stop
from genbench.core.library_patches import taken_back
from genbench.core.plugin_loading import in_use
from genbench.core.process_state import put_back
from genbench.core.recorded_plugins import CODE, discover_recorded
from genbench.core.registry import discover, named
from genbench.core.selection import Selection
from genbench.core.types import Array
from genbench.evaluation.model_outputs import ModelOutputs, draw_all, lacks, score, score_trial, with_lacking
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.evaluation.self_consistency import asks_for_densities
from genbench.runs.code import SCORING, changed_code, plugins_of
from genbench.runs.outside import oracle_name, rescored
from genbench.runs.parallel import perform_each
from genbench.runs.plan import make_plan
from genbench.runs.reload import CannotReload, Trained, plugins_of_trial, reload, require_plugins
from genbench.runs.runner import data_files
from genbench.runs.trial_environment import trial_environment
from genbench.storage.claims import entered
from genbench.storage.evaluation import Flag
from genbench.storage.records import FILE, TrialRecord, TrialSpec
from genbench.storage.run_record import edited_run
from genbench.storage.store import SWEEPS, Store
from genbench.tasks.steps import fitted

__all__ = ["Report", "rescore"]

FEW = 3  # lines that say the same about code; by hand
EQUAL = 1e-9  # relative difference of two scores that is rounding: a sum in another order leaves about 1e-12


@dataclass
class Report:
    """The result of rescoring.

    Attributes:
        changes: a line for each metric: new, unchanged, or by how much it changed.
        kept: trials that are not changed, each with the reason.
        notes: what was computed again instead of read from the store.
    """

    changes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rescore(
    run: RunData,
    metrics: str | None = None,
    samples: int | None = None,
    plugins: Sequence[str] = (),
    jobs: int | None = None,
    progress: bool = True,
) -> Report:
    """Score the trials of a run's table again, and put the new records into the table.

    Old files are kept. A trial gets the key that `run` would give it with the same options, so that `run` finds it
    finished.

    Args:
        metrics: a selection, as in `run`; those of each trial unless given.
        samples: number of points to score; as before unless given. They are drawn again if there are fewer in the
            store.
        plugins: files or folders, besides those that the trials name.
        jobs: number of worker processes; 0 is this process. Unless given, as many as there are cores.

    Raises:
        GenbenchError: a metric or plugin is unknown, or the store cannot be read or written.
    """
    discover(tuple(plugins))
    for trial in run.trials:
        discover_recorded(trial.spec.plugins)  # which says what it imports, in this process
    Protocol().asked(samples=samples)
    cards = [] if metrics is None else [METRICS[one.name] for one in METRICS.select(spelled_out(metrics))]
    given = tuple(dict.fromkeys([*named(), *plugins_of(*cards)]))
    with entered(run.store, alone=True):
        trials = run.trials
        asked = [(str(run.path), trial.key, metrics, samples, given) for trial in trials]
        answers: list[_Answer] = perform_each(_perform, asked, jobs, "rescoring", progress)
        notes: list[str] = []
        now = {trial.key: answer.key for trial, answer in zip(trials, answers, strict=True)}
        with edited_run(run.store, notes.append) as record:
            record.trials = list(dict.fromkeys(now.get(key, key) for key in record.trials))
            record.ask({"command": command(), "trials": len(trials), "metrics": metrics or record.asked_metrics})
    report = _report(run.store, trials, answers)
    report.notes[:0] = notes
    return report


@dataclass(frozen=True)
class _Answer:
    """What became of a trial: the key that the table holds now, why it is the old one, what was made again."""

    key: str
    reason: str = ""
    note: str = ""


def _report(store: Store, trials: Sequence[TrialRecord], answers: Sequence[_Answer]) -> Report:
    kept: list[tuple[str, str]] = []
    notes, pairs = [], []
    for trial, answer in zip(trials, answers, strict=True):
        where = f"{trial.model} on {trial.dataset}, seed {trial.seed}"
        if answer.reason:
            kept.append((where, answer.reason))
        else:
            pairs.append((trial, store.read(answer.key)))
        if answer.note:
            notes.append(f"{where}: {answer.note}")
    return Report(_changes(pairs), _by_reason(kept), notes)


def _by_reason(kept: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each trial that stays as it is, and one for many that need the same code."""
    groups: dict[str, list[str]] = {}
    for where, reason in kept:
        groups.setdefault(reason, []).append(where)
    lines = []
    for reason, places in groups.items():
        if len(places) > FEW and CODE in reason:
            lines.append(f"{len(places)} trials, {places[0]} the first of them: {reason}")
        else:
            lines += [f"{where}: {reason}" for where in places]
    return lines


def _perform(path: str, key: str, metrics: str | None, samples: int | None, plugins: tuple[str, ...]) -> _Answer:
    """Rescore one trial and write it to the store; what goes wrong leaves the old one as it is."""
    store = Store(path)
    try:
        with collected_warnings(), put_back():  # the record has the warnings already
            trial = store.read(key)
            discover(plugins)
            require_plugins(trial.spec, metrics=metrics is None)
            with in_use([*plugins_of_trial(trial.spec), *plugins]), taken_back():
                return _rescore(store, trial, metrics, samples)
    except CannotReload as error:
        return _Answer(key, error.reason)
    except GenbenchError as error:
        return _Answer(key, str(error))
    except OSError as error:
        raise GenbenchError(f"cannot write to {path}: {error.strerror or error}; the old scores are kept") from None
    except BaseException as error:  # a plugin may raise anything
        if must_stop(error):
            raise
        return _Answer(key, f"{type(error).__name__}: {message_of(error)}")


def _rescore(store: Store, old: TrialRecord, metrics: str | None, samples: int | None) -> _Answer:
    if old.status != "ok":
        raise CannotReload(old.spec, f"it failed ({old.status})")
    if not old.sampled:
        raise CannotReload(old.spec, f"the task {old.spec.task} keeps no samples; run it again")
    if old.nested:
        raise CannotReload(old.spec, "its scores are means over several training runs, of which one is stored")
    planned_spec = _planned(old.spec, metrics, samples)
    if changed := data_files(old.provenance.files, old.spec.plugins, planned_spec)[0]:
        raise CannotReload(old.spec, f"the file {changed[0]} is not what it was")
    if old.spec.outside:
        return _Answer(rescored(store, old, planned_spec).key)
    planned = ResolvedTrial.of(planned_spec)
    arrays = store.arrays(old.key)
    way = _way(old, planned, arrays)
    trial = planned if way == "again" else replace(planned, spec=_with_code_of(old.spec, planned.spec))
    spec = trial.spec
    if store.has(spec.key) and store.read(spec.key).status == "ok":
        return _Answer(spec.key)
    begin = time.perf_counter()
    if way == "store":
        outputs = _completed(ModelOutputs.of(arrays, old.likelihood).first(trial.protocol), trial, store, old)
        evaluation = score(trial, outputs)
    else:
        stored = Trained(old.spec, store.weights(old.key), "trained")
        estimator = reload(stored, trial=trial) if way == "weights" else fitted(trial)
        outputs = draw_all(trial, estimator, spec.seed)
        evaluation = score_trial(trial, estimator, outputs)
    evaluation.flags = list(dict.fromkeys([*_cautions(old), *evaluation.flags]))
    if (swept := store.path / SWEEPS / f"{old.key}.json").exists() and spec.key != old.key:
        link_or_copy(swept, store.path / SWEEPS / f"{spec.key}.json")
    ran = old.provenance.model_copy(update={"scored": trial_environment(commit=commit() or "")})
    now = old.model_copy(update={"key": spec.key, "spec": spec, "provenance": ran, **vars(evaluation)})
    store.write(now, outputs.arrays, weights_of=old.key)
    costly = way == "again" and old.role == "model"
    note = f"keeps no weights; fitted and scored again in {time.perf_counter() - begin:.1f} s" if costly else ""
    return _Answer(spec.key, note=note)


def _completed(outputs: ModelOutputs, trial: ResolvedTrial, store: Store, old: TrialRecord) -> ModelOutputs:
    """Return stored outputs with what a metric asks for and is not stored, if the model comes back."""
    if not lacks(trial, outputs):
        return outputs
    try:
        stored = Trained(old.spec, store.weights(old.key), "trained")
        estimator = reload(stored, trial=trial) if trial.model.is_torch else fitted(trial)
    except GenbenchError:  # its code changed, or its weights are gone: the other scores do not need them
        return outputs
    return with_lacking(trial, estimator, outputs, trial.spec.seed)


def _planned(old: TrialSpec, metrics: str | None, samples: int | None) -> TrialSpec:
    """Return the spec that `run` would make today of the trial's row and seed with these options.

    Of samples from outside it is the oracle's.

    Raises:
        CannotReload: its data are not what they were.
    """
    protocol = replace(old.protocol, samples=samples or old.protocol.samples)
    names = metrics or ",".join(old.metrics)
    data = [DataSelection(Selection(old.dataset_name, old.dataset_params))]
    model, budget = (oracle_name(), "quick") if old.outside else (old.model, old.budget)
    plan = make_plan(model, data, [old.seed], budget, names, old.task, protocol)
    planned = next(spec for spec in plan.trials if spec.model == model)
    planned = planned.model_copy(update={"dataset": old.dataset})
    files = any(planned.sources.get(name) != digest for name, digest in old.sources.items() if name.startswith(FILE))
    if files or (planned.dataset_params, planned.data_fingerprint) != (old.dataset_params, old.data_fingerprint):
        file = f": {old.dataset_params['path']} has changed" if "path" in old.dataset_params else ""
        raise CannotReload(old, f"its data are not what they were{file}")
    if changed := changed_code(old, dataset=DATASETS[old.dataset_name]):
        raise CannotReload(old, f"code of {', '.join(changed)} changed")
    return planned.model_copy(update={"steps": old.steps})


def _way(old: TrialRecord, planned: ResolvedTrial, arrays: Mapping[str, Array]) -> str:
    """Return where the outputs come from: "store", "weights", or "again" for what keeps no weights and costs little.

    Raises:
        CannotReload: from nowhere without training.
    """
    if planned.of_oracle:
        return "again"
    if "samples" not in arrays:
        raise CannotReload(old.spec, "its samples are not stored")
    complete = old.likelihood == "none" or "test_log_prob" in arrays or not asks_for_densities(planned)
    if complete and len(arrays["samples"]) >= planned.sample_size:
        return "store"
    return "weights" if planned.model.is_torch else "again"


def _with_code_of(old: TrialSpec, planned: TrialSpec) -> TrialSpec:
    """Return the planned spec with the code that made the samples as it was: today's only scores them."""
    sources = {
        name: now if name.startswith(SCORING) else old.sources.get(name, now) for name, now in planned.sources.items()
    }
    return planned.model_copy(update={"params": old.params, "sources": sources})


def _cautions(old: TrialRecord) -> list[Flag]:
    """Return the flags that no metric raised."""
    return [flag for flag in old.flags if not flag.metric]


def _changes(pairs: Sequence[tuple[TrialRecord, TrialRecord]]) -> list[str]:
    """Return a line for each metric: new, as before, or by how much it changed at most and where."""
    names = list(dict.fromkeys(name for old, new in pairs for name in [*new.metrics, *old.metrics]))
    return [f"{name}: {_change(name, pairs)}" for name in names]


def _distance(a: float, b: float) -> float:
    """Return how far apart two scores are, relative to the larger; infinity is at no distance from itself only."""
    if a == b:
        return 0.0
    return abs(a - b) / max(abs(a), abs(b)) if math.isfinite(a - b) else math.inf


def _change(name: str, pairs: Sequence[tuple[TrialRecord, TrialRecord]]) -> str:
    both = [(old, new) for old, new in pairs if name in old.metrics and name in new.metrics]
    if not both:
        return "new" if any(name in new.metrics for _, new in pairs) else "not asked for any more"
    scores = [(old.metrics[name], new.metrics[name], new) for old, new in both]
    scores = [(before, now, trial) for before, now, trial in scores if (before, now) != (None, None)]
    apart = [(_distance(a, b), a, b, t) for a, b, t in scores if a is not None and b is not None]
    moved = [change for change in apart if change[0] > EQUAL]
    appeared = len(scores) - len(apart)
    words = f"{len(apart) - len(moved)} scores as before, {len(moved) + appeared} changed"
    if moved:
        _, before, now, t = max(moved, key=lambda change: change[0])
        words += f", at most from {before:.4g} to {now:.4g} ({t.model} on {t.dataset}, seed {t.seed})"
    return words + (f", {appeared} of them from or to none" if appeared else "")
