"""The search: rounds of configurations, the same number for each model.

They are trained as the trials of a run. The study's file is written before and after each round, so that the same
command resumes after any stop, and continues with more --trials. Training runs that are finished are in the run's
folder, and are not run again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genbench.core.downloads import use_data_dir
from genbench.core.environment import command, commit, environment
from genbench.core.errors import GenbenchError
from genbench.core.files import from_here
from genbench.core.interrupts import handled, stop_now
from genbench.core.selection import Selection
from genbench.core.strict_json import strict_json
from genbench.core.types import Say
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.runs.plan import Plan, blaming_plugins, make_plan
from genbench.runs.runner import remaining
from genbench.runs.session import Session, session
from genbench.runs.step_counts import timed
from genbench.runs.tuned import read_study
from genbench.runs.tuning.proposals import importance, proposed
from genbench.runs.tuning.request import TASK, Target, TuneOptions
from genbench.runs.tuning.scoring import rank, settle
from genbench.runs.tuning.space import Point, Space
from genbench.storage.records import TrialSpec
from genbench.storage.store import Store
from genbench.storage.studies import STUDY, Configuration, ModelStudy, Study

__all__ = ["tune"]

# Configurations of each model that are trained together; by hand: with two seeds they keep ten cores busy, and the
# search still sees what most of them taught. It is the same whatever the number of processes, and so is what is found.
ROUND = 5


@dataclass
class _Search:
    """The search of one model.

    Attributes:
        usual: the point of the default, where it is the same for all data.
        current: whether what was settled before is of today's code, as the training runs of the default are.
        specs: of the training runs of each configuration, by its place, as far as they were planned.
    """

    space: Space
    study: ModelStudy
    usual: Point | None
    current: bool
    specs: dict[int, list[TrialSpec]] = field(default_factory=dict)

    def ask(self, upto: int, most: int) -> None:
        """Add configurations until there are as many as `upto` of `most`, or no more points to try."""
        tried = self.study.configurations
        if not tried:
            tried.append(Configuration())
        if (wanted := min(upto, most) - len(tried)) > 0:
            points = proposed(self.space, tried, self.usual, self.study.sampler, wanted, most)
            tried += [Configuration(params=self.space.params(point)) for point in points]

    def selection(self, one: Configuration) -> str:
        """Return a configuration as `--models` takes it."""
        return str(Selection(self.space.card.name, {**self.space.given, **one.params}))


def tune(options: TuneOptions, say: Say) -> tuple[Study, dict[str, Space], Store]:
    """Search for better hyper-parameters.

    It returns the results, the search spaces, and the folder with the results.

    Raises:
        GenbenchError: the request is wrong and nothing was run, or the folder can no longer be written.
        KeyboardInterrupt: the user asks to stop; finished training runs are kept.
    """
    run = options.run
    store = Store(run.folder)
    with use_data_dir(run.data_dir), handled({"SIGINT": stop_now}):
        spaces, targets = options.spaces(say), options.targets()
        first = _defaults(spaces, targets, options, say)
        spaces = {label: spaces[label] for label in first}
        for note in dict.fromkeys(note for plan in first.values() for note in plan.notes):
            say(note)
        _check_splits([spec for plan in first.values() for spec in plan.trials])
        study = _begun(store, options, spaces, first)
        request: dict[str, Any] = {"command": command()}
        whole = Plan([spec for plan in first.values() for spec in plan.trials])
        with session(whole, store, run.workers(), run.workers().execution.data_dir, say, request) as opened:
            searches = [_search(study, store, label, space, first[label]) for label, space in spaces.items()]
            _rounds(opened, study, searches, targets, options)
    return study, spaces, store


def _defaults(
    spaces: Mapping[str, Space], targets: Sequence[Target], options: TuneOptions, say: Say
) -> dict[str, Plan]:
    """Return the training runs of the default of each model; `say` is told which of a group cannot handle the data.

    Raises:
        GenbenchError: a model that was named cannot, or none can.
    """
    found, reasons = {}, []
    for label, space in spaces.items():
        try:
            found[label] = _planned(space, Configuration(), targets, options)
        except GenbenchError as error:
            if space.card.name in options.named:
                raise
            reasons.append(error)
            say(f"left out: {str(error).partition(';')[0]}")
    if not found:
        raise reasons[0]
    return found


def _search(study: Study, store: Store, label: str, space: Space, plan: Plan) -> _Search:
    own = next(one for one in study.models if one.model == label)
    points = [space.point(spec.params) for spec in plan.trials]
    usual = points[0] if all(point == points[0] for point in points) else None
    return _Search(space, own, usual, all(store.has(spec.key) for spec in plan.trials))


def _rounds(
    opened: Session, study: Study, searches: Sequence[_Search], targets: Sequence[Target], options: TuneOptions
) -> None:
    """Train round after round, until all configurations are there or the time is up."""
    begin, longest = time.monotonic(), 0.0
    for start in range(0, options.trials, ROUND):
        began = time.monotonic()
        if start and options.seconds is not None and began - begin + longest > options.seconds:
            opened.say(f"the time is up after {start} configurations of each model; the same command resumes")
            break
        for search in searches:
            search.ask(start + ROUND, options.trials)
        _write(opened.store, study)
        last = min(start + ROUND, options.trials)
        try:
            _train(opened, searches, range(start, last), targets, options)
        finally:
            for search in searches:
                _settle(opened.store, search)
            _write(opened.store, study)
        longest = max(longest, time.monotonic() - began)
    for search in searches:
        if (n := len(search.study.configurations)) < options.trials:
            opened.say(f"{search.study.model}: its space has no more than {n} configurations, the default included")
        search.study.importance = importance(search.space, search.study.configurations, search.usual)
    _write(opened.store, study)


def _train(
    opened: Session, searches: Sequence[_Search], places: range, targets: Sequence[Target], options: TuneOptions
) -> None:
    """Train the configurations at some places of each search, as far as their training runs are not finished."""
    for search in searches:
        for place in places:
            one = search.study.configurations[place] if place < len(search.study.configurations) else None
            if one and not (search.current and one.status != "asked"):
                try:
                    search.specs[place] = _planned(search.space, one, targets, options).trials
                except GenbenchError as error:  # such as of parameters that do not go together
                    if place == 0:
                        raise
                    one.status, one.error = "failed", str(error)
    plan = Plan([spec for search in searches for place in places for spec in search.specs.get(place, [])])
    if not plan.trials:
        return
    in_workers = opened.jobs > 0
    data_dir = opened.workers.execution.data_dir
    plan = timed(plan, opened.store, in_workers, data_dir, lambda text: opened.say(text) if "caution" in text else None)
    steps = {spec.model_copy(update={"steps": None}).key: spec for spec in plan.trials}
    for search in searches:
        search.specs |= {
            place: [steps[spec.model_copy(update={"steps": None}).key] for spec in search.specs[place]]
            for place in places
            if place in search.specs
        }
    trials = list({spec.key: spec for spec in plan.trials}.values())
    todo, _ = remaining(trials, opened.store)
    opened = replace(opened, plan=plan)
    opened.enter(trials)
    if todo:
        heading = f"configurations {places.start + 1} to {places.stop} of {options.trials}"
        opened.perform(trials, heading, resumed=False)


def _settle(store: Store, search: _Search) -> None:
    """Put what has ended into the study."""
    for place, specs in search.specs.items():
        one = search.study.configurations[place]
        if all(store.has(spec.key) for spec in specs):
            settle(search.study, one, [store.read(spec.key) for spec in specs])
        else:
            one.status = "asked"
    rank(search.study)


def _planned(space: Space, one: Configuration, targets: Sequence[Target], options: TuneOptions) -> Plan:
    """Return the training runs of a configuration: each dataset, each of its seeds."""
    model = str(Selection(space.card.name, {**space.given, **one.params}))
    plans = [
        make_plan(model, [target.data], list(target.seeds), options.budget, "all", TASK, options.protocol)
        for target in targets
    ]
    return Plan([spec for plan in plans for spec in plan.trials], [note for plan in plans for note in plan.notes])


@blaming_plugins()
def _check_splits(specs: Sequence[TrialSpec]) -> None:
    """Refuse data without validation points, before anything is trained."""
    for spec in {spec.dataset: spec for spec in specs}.values():
        points = ResolvedTrial.of(spec).splits.validation
        if points is None or len(points) == 0:
            raise GenbenchError(
                f"{spec.dataset} has no validation split, by which models are tuned; let its `splits` give one, or "
                "leave it out"
            )


def _begun(store: Store, options: TuneOptions, spaces: Mapping[str, Space], first: Mapping[str, Plan]) -> Study:
    """Return the study of the folder, with all that is asked for in it: the one that is there, or a new one.

    Raises:
        GenbenchError: the one that is there is of something else.
    """
    specs = [spec for plan in first.values() for spec in plan.trials]
    seeds = {spec.dataset: tuple(s.seed for s in specs if s.dataset == spec.dataset) for spec in specs}
    seeds = {name: tuple(dict.fromkeys(numbers)) for name, numbers in seeds.items()}
    study = Study(name=store.path.name, seeds=seeds, budget=options.budget, train=options.protocol.train)
    if (store.path / STUDY).exists():
        before = read_study(store.path)
        for what in ("seeds", "budget", "train"):
            if getattr(before, what) != getattr(study, what):
                raise _other(store, f"{what} {getattr(before, what)}")
        study = before
    for label, space in spaces.items():
        own = next((one for one in study.models if one.model == label), None)
        if own is None:
            given = dict(space.given)
            own = ModelStudy(
                model=label, model_name=space.card.name, given=given, space=space.written(), sampler=options.sampler
            )
            study.models.append(own)
        for what, asked in (("space", space.written()), ("sampler", options.sampler)):
            if getattr(own, what) != asked:
                raise _other(store, f"{label} with the {what} {getattr(own, what)}")
    here = environment()
    known = {name: number for name, number in here["libraries"].items() if number}
    study.versions, study.commit = dict(_versions(known)), commit() or ""
    return study


def _versions(known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    from importlib.metadata import version

    from genbench.core.public_names import __version__

    yield "genbench", __version__
    yield from known.items()
    yield "optuna", version("optuna")


def _other(store: Store, what: str) -> GenbenchError:
    return GenbenchError(f"{from_here(store.path)} holds a study of {what}; ask for the same, or choose another --name")


def _write(store: Store, study: Study) -> None:
    store.write_text(STUDY, strict_json(study.model_dump(mode="json", by_alias=True)) + "\n")
