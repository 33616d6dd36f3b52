"""Scoring of samples from outside, in a new run or beside the models of a run.

The oracle is scored on the same data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from genbench.analysis.run_data import RunData
from genbench.contracts.data_files import DataSelection, reopened
from genbench.contracts.dataset import Sizes, SyntheticDataset
from genbench.contracts.metric import select_metrics
from genbench.contracts.model import LIKELIHOODS, MODELS
from genbench.core.downloads import use_data_dir
from genbench.core.errors import GenbenchError, collected_warnings, shown
from genbench.core.interrupts import handled, stop_now
from genbench.core.registry import discover
from genbench.core.seeding import stream
from genbench.core.selection import Selection
from genbench.core.types import Say
from genbench.runs.code import SCORING
from genbench.runs.defaults import Defaults
from genbench.runs.given_samples import Given, dealt, fitting_protocol, given_sets, prepared
from genbench.runs.launch import RunOptions
from genbench.runs.outside import GivenRow, Prepared, oracle_name, score_prepared
from genbench.runs.plan import Plan, make_plan, parse_seeds
from genbench.runs.session import session
from genbench.storage.outside import BUDGET
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.run_record import edited_run
from genbench.storage.store import CorruptFile, Store
from genbench.storage.summaries import Summaries

__all__ = ["ScoreOptions", "score_given"]

FEWEST = 1_000  # samples of a part of a single set; by hand: with fewer, a score's noise hides what it is to show
NAME = 60  # letters of a row's name; by hand: a column of a table


@dataclass(frozen=True)
class ScoreOptions:
    """The request; `genbench.score` explains each field.

    Raises:
        GenbenchError: a name or a kind of likelihood is not valid.
    """

    samples: Any
    dataset: Any
    log_prob: Any = None
    name: str | None = None
    family: str = BUDGET
    likelihood: str = "exact"
    seeds: int | str | Sequence[int] | None = None
    run: str | Path | None = None
    results: str | Path = "results"
    metrics: str | Sequence[str] | None = None
    count: int | None = None
    train: int | None = None
    jobs: int | None = None
    plugins: Sequence[str] = ()
    progress: bool | str = True
    data_dir: str | Path | None = None

    def __post_init__(self) -> None:
        if self.likelihood not in LIKELIHOODS[:-1]:
            raise GenbenchError(
                f"likelihood '{shown(self.likelihood)}' is unknown; write one of {', '.join(LIKELIHOODS[:-1])}"
            )
        for what, text in (("name", self.name), ("family", self.family)):
            if text is not None and not (text.strip() and text.isprintable() and len(text) <= NAME):
                raise GenbenchError(f"'{shown(text)}' cannot be a {what}; write up to {NAME} letters in one line")

    @property
    def request(self) -> dict[str, Any]:
        """The request in Python, for the run's record; an array is shown by its type."""
        plain = {each.name: (getattr(self, each.name), each.default) for each in fields(self)[2:]}
        plain = {name: both for name, both in plain.items() if isinstance(both[0], str | int | Path)}
        given = {name: one for name, (one, usual) in plain.items() if one != usual}
        source, data = (
            repr(str(one)) if isinstance(one, str | Path) else f"<{type(one).__name__}>"
            for one in (self.samples, self.dataset)
        )
        words = ", ".join([source, data, *(f"{name}={one!r}" for name, one in given.items())])
        return {"command": "", "code": f"genbench.score({words})"}

    def row(self, given: Sequence[Given]) -> GivenRow:
        """Return the row, named after the file of samples unless a name is given.

        Raises:
            GenbenchError: a model of genbench has the name.
        """
        name = (self.name or Path(given[0].about.file).stem or BUDGET).strip()[:NAME]
        if self.name is None and name in MODELS.cards:
            name = f"{name}-{BUDGET}"
        if name in MODELS.cards:
            raise GenbenchError(f"'{name}' is the name of a model of genbench; give the samples another --name")
        return GivenRow(name, self.family.strip(), self.likelihood)

    def planning(self, seeds: Sequence[int]) -> RunOptions:
        """Return the request for the oracle on the same data."""
        folder = None if self.run is None else Path(self.run)
        options = RunOptions(
            models=oracle_name(), datasets=self.dataset, seeds=list(seeds), metrics=self.metrics, jobs=self.jobs,
            train=self.train, plugins=self.plugins, progress=self.progress, data_dir=self.data_dir,
            results=self.results if folder is None else folder.parent, name=None if folder is None else folder.name,
        )  # fmt: skip
        if folder is not None:
            return options
        words = re.sub(r"[^A-Za-z0-9_.=+]+", "-", options.data.text).strip("-.")[:80]
        return replace(options, name=f"{words or 'data'}-{BUDGET}")


def score_given(options: ScoreOptions, say: Say, request: dict[str, Any]) -> Path:
    """Score samples from outside, add them to a run as a row, and return the run's folder.

    Args:
        request: the request, in the form of the run's record.

    Raises:
        GenbenchError: the request is wrong and nothing was written, or the plugin of a metric or dataset fails.
    """
    discover(tuple(options.plugins))
    sets = given_sets(options.samples, options.log_prob)
    row = options.row(sets)
    folder = options.planning([0]).folder.absolute()
    run = RunData(folder) if (folder / "run.json").exists() else None
    with use_data_dir(options.data_dir), handled({"SIGINT": stop_now}):
        oracles, ready = _planned(options, sets, row, run, say)
        planning = options.planning([0])
        workers, store = planning.workers(), Store(folder)
        with session(Plan(oracles), store, workers, workers.execution.data_dir, say, request) as opened:
            opened.enter(oracles)
            opened.perform(oracles, "oracle", resumed=False)
            score_prepared(store, ready, row, options.jobs, options.progress not in (False, "none"))
            _enter(store, ready, say)
    return folder


def _planned(
    options: ScoreOptions, sets: Sequence[Given], row: GivenRow, run: RunData | None, say: Say
) -> tuple[list[TrialSpec], list[Prepared]]:
    """Return the trials of the oracle, and the sets of samples under their specs, checked."""
    plan = options.planning([0] if options.seeds is None else parse_seeds(options.seeds)).plan(say)
    first = plan.trials[0]
    if len({spec.dataset for spec in plan.trials}) > 1:
        raise GenbenchError("several datasets are named, and samples imitate one; name one")
    there = [] if run is None else [t for t in run.trials if t.sampled and t.dataset == first.dataset]
    if run is not None and (taken := [t for t in there if t.model == row.name and not t.spec.outside]):
        raise GenbenchError(f"'{taken[0].model}' is a model of {run.path}; give the samples another --name")
    spec = _beside(options, run, there, first) if run is not None and there else first
    with collected_warnings():  # they were said when trials were planned
        dataset = reopened(spec.dataset, spec.dataset_name, spec.dataset_params, spec.data_fingerprint)
        tested = len(dataset.splits(stream(spec.seed, "data"), Sizes(spec.protocol.train)).test)
    known = sorted({trial.seed for trial in there}) or list(range(Defaults().seeds))
    needed = spec.protocol.samples if there else options.count or FEWEST
    needed = needed if isinstance(dataset, SyntheticDataset) else min(spec.protocol.samples, tested)
    seeds = _seeds(sets, needed, known) if options.seeds is None else parse_seeds(options.seeds)
    sets = dealt(sets, len(seeds))
    if not there:
        protocol = fitting_protocol(spec.protocol, sets, options.count, dataset, tested)
        spec = spec.model_copy(update={"protocol": protocol})
    for note in plan.notes:
        say(note)
    oracles = spec.with_seeds(seeds)
    pairs = zip(oracles, sets, strict=True)
    return oracles, [prepared(oracle, one, row.name, row.likelihood, row.family) for oracle, one in pairs]


def _seeds(sets: Sequence[Given], needed: int, known: Sequence[int]) -> list[int]:
    """Return a seed for each set; of a single set as many as it has enough samples for, so that there are intervals.

    Args:
        needed: samples for each seed.
        known: seeds of the table, or those that are usual.
    """
    number, first = len(sets), sets[0]
    if number == 1 and (first.log_prob is None or callable(first.log_prob)):
        number = max(1, min(len(known), len(first.samples) // needed))
    more = (seed for seed in range(number + len(known)) if seed not in known)
    return [*known, *more][:number]


def _beside(options: ScoreOptions, run: RunData, there: Sequence[TrialRecord], asked: TrialSpec) -> TrialSpec:
    """Return a trial of the oracle, measured as the rows of a table that is there.

    Raises:
        GenbenchError: the table is of other data, metrics, or amounts of evidence than are asked for, or of other code.
    """
    old = next((trial for trial in there if trial.role == "oracle"), there[0]).spec
    where = f"{run.path} on {old.dataset}"
    if (old.dataset_params, old.data_fingerprint) != (asked.dataset_params, asked.data_fingerprint):
        raise GenbenchError(f"{where} is of other data under this name; name another run")
    wanted = None if options.metrics is None else {card.name for card in select_metrics(_joined(options.metrics))}
    if wanted is not None and wanted != set(old.metrics):
        raise GenbenchError(f"{where} has other metrics; leave --metrics out, or name another run")
    for name, number in (("samples", options.count), ("train", options.train)):
        if number is not None and number != (there_are := getattr(old.protocol, name)):
            raise GenbenchError(f"{where} has {name}={there_are}; leave --{name} out, or name another run")
    data = [DataSelection(Selection(old.dataset_name, old.dataset_params))]
    budget = old.budget if old.budget != BUDGET else "quick"
    with collected_warnings():
        plan = make_plan(oracle_name(), data, [asked.seed], budget, ",".join(old.metrics), "generate", old.protocol)
    new = {part: one for part, one in plan.trials[0].sources.items() if part.startswith((*SCORING, "dataset"))}
    changed = [part for part, one in new.items() if old.sources.get(part) != one]
    if changed:
        raise GenbenchError(
            f"{where} was scored by other code of {', '.join(changed[:3])} than today's; "
            f"type: genbench rescore {run.path}"
        )
    return plan.trials[0].model_copy(update={"dataset": old.dataset})


def _joined(metrics: str | Sequence[str]) -> str:
    return metrics if isinstance(metrics, str) else ",".join(metrics)


def _enter(store: Store, ready: Sequence[Prepared], say: Say) -> None:
    """Put the row into the run's table, in the place of an earlier one of its name."""
    mine, keys = {one.spec.identity for one in ready}, [one.spec.key for one in ready]
    with edited_run(store, say) as record:
        finished, kept = Summaries(store), []
        for key in record.trials:
            identity = None
            with suppress(CorruptFile, KeyError):
                identity = finished[key].identity
            if key not in keys and identity not in mine:
                kept.append(key)
        record.trials = [*kept, *keys]
