"""Planning: models x datasets x seeds, with parameters and a budget, as a list of trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from genbench.contracts.data_files import DataSelection, labels_of, located, select_datasets
from genbench.contracts.dataset import DATASETS, Dataset, DatasetCard
from genbench.contracts.evidence import Protocol
from genbench.contracts.metric import METRICS, select_metrics
from genbench.contracts.model import MODELS, ModelCard
from genbench.contracts.recipe import Budget
from genbench.core.cards import Card
from genbench.core.errors import GenbenchError, collected_warnings, shown
from genbench.core.exception_text import message_of, place_of
from genbench.core.interrupts import must_stop
from genbench.core.libraries import library_of, require_library
from genbench.core.parameters import bind, create, defaults
from genbench.core.plugin_loading import LOADED
from genbench.core.selection import TUNED, Selection, parse_list
from genbench.core.user_files import opened_files
from genbench.runs.code import files_of, named_datasets, plugins_of, sources_of
from genbench.runs.grids import expanded
from genbench.runs.tuned import Lookup, Request, asks_for_tuned, none_known, notes_of, plain, without
from genbench.storage.records import TrialSpec
from genbench.storage.studies import Tuned
from genbench.tasks import load_task
from genbench.tasks.base import Task

__all__ = ["Plan", "blaming_plugins", "make_plan", "parse_seeds"]

MAX_SEED = 2**32 - 1  # what numpy's global generator takes
MOST_SEEDS = 100_000  # of a run; by hand: far more than the statistics ask for, and a plan that fits into memory

C = TypeVar("C", bound=Card)


@dataclass(frozen=True)
class Plan:
    """The trials of a run, with notes on what was left out or added, and on files of data."""

    trials: list[TrialSpec]
    notes: list[str] = field(default_factory=list)
    data: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Choice(Generic[C]):
    """A plugin that was asked for, under its label, with the parameters that were given, or were found by tuning."""

    card: C
    label: str
    given: Mapping[str, Any]
    tuned: Tuned | None = None

    def params(self, data: Dataset | None = None) -> dict[str, Any]:
        """Return all parameters; for some data, the model's presets fill in what was not given."""
        return bind(self.card, self.given, (data.kind, data.shape) if data else None)


def parse_seeds(seeds: str | int | Sequence[int]) -> list[int]:
    """Return the seeds: 3 or "3" is 0, 1, 2; "4,7" and "4," name them.

    Raises:
        GenbenchError: there is no seed, there are too many, or one is not a whole number from 0 to 2³² − 1.
    """
    if not isinstance(seeds, str | int) and len(seeds) > MOST_SEEDS:
        raise GenbenchError(f"{len(seeds):,} seeds are given, and a run takes at most {MOST_SEEDS:,}; give fewer")
    if isinstance(seeds, int) and not isinstance(seeds, bool) and seeds > MAX_SEED:
        seeds = MAX_SEED + 1  # the text of a number may be longer than any memory
    text = str(seeds) if isinstance(seeds, str | int) else ",".join(map(str, seeds)) + ","
    parts = [part.strip() for part in text.strip().removesuffix(",").split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise GenbenchError(f"seeds '{shown(text)}' is neither a number of seeds (3) nor a list of them (4,7 or 4,)")
    large = [part for part in parts if len(part.lstrip("0")) > len(str(MAX_SEED)) or int(part) > MAX_SEED]
    if large:
        raise GenbenchError(f"seed {shown(large[0])} is too large; use whole numbers up to {MAX_SEED}")
    number = len(parts) if "," in text else int(parts[0])
    if number > MOST_SEEDS:
        single = "" if "," in text else f"; a single seed has a comma: --seeds {number},"
        raise GenbenchError(f"seeds '{shown(text)}' are {number:,}, and a run takes at most {MOST_SEEDS:,}{single}")
    if number == 0:
        raise GenbenchError("seeds '0' leaves nothing to run; ask for at least 1")
    return list(dict.fromkeys(map(int, parts))) if "," in text else list(range(number))


@contextmanager
def blaming_plugins() -> Iterator[None]:
    """Convert exceptions of a user's plugin during planning to a GenbenchError with the line."""
    try:
        yield
    except GenbenchError:
        raise
    except BaseException as error:  # a plugin may raise anything
        place = place_of(error, LOADED)
        if must_stop(error) or not place:
            raise
        text = f"{place}: {type(error).__name__}: {message_of(error)}"
        raise GenbenchError(f"{text}; raised while trials were planned: fix it, or leave it out") from None


@blaming_plugins()
def make_plan(
    models: str,
    datasets: str | Sequence[DataSelection],
    seeds: str | int | Sequence[int] = 3,
    budget: str = "quick",
    metrics: str = "all",
    task: str = "generate",
    protocol: Protocol = Protocol(),
    tuned: Lookup = none_known,
) -> Plan:
    """Return the trials of a request.

    Every dataset gets the oracle, whose scores are the floor.

    Args:
        tuned: the lookup of the parameters that `[tuned]` means.

    Raises:
        GenbenchError: a name, a parameter, a seed or the budget is wrong, or a named model cannot handle a dataset.
    """
    Budget(budget)
    work = load_task(task)
    numbers = parse_seeds(seeds)
    with collected_warnings() as cautions:
        selected = MODELS.select(models)
        asked = select_datasets(datasets, work.kinds) if isinstance(datasets, str) else datasets
        chosen_datasets = _choose_data(asked)
        labels = tuple(dataset.label for dataset in chosen_datasets)
        able = _taking_part(_choose(selected, tuned, labels, budget), models, task)
        chosen_models, missing = _with_library(able, models)
    named = {selection.name for selection in parse_list(models)}  # and not one of a family
    names = tuple(card.name for card in select_metrics(metrics, task))
    notes = [f"caution: {text}" for text in cautions] + missing
    notes += notes_of({model.label: model.tuned for model in chosen_models if model.tuned}, labels, budget)
    specs = []  # for the first seed
    understood: dict[str, list[str]] = {}
    for dataset in chosen_datasets:
        with collected_warnings():  # they were said when it was chosen
            data, files = _created(dataset)
        if data.notes:
            understood[dataset.label] = list(data.notes)
            notes += [f"{dataset.label}: {line}" for line in data.notes]
        work.check_data(data)
        able, floors, note = _pair(chosen_models, dataset.label, data, work, named)
        notes += note
        facts: dict[str, Any] = {"task": task, "seed": numbers[0], "budget": budget, "metrics": names}
        facts |= {"protocol": protocol}
        specs += [_spec(model, dataset, data, files, facts) for model in floors + able]
    used = dict.fromkeys(plugin for spec in specs for plugin in spec.plugins)
    notes += [f"caution: {text}" for plugin in used for text in LOADED[plugin].notes()]
    seeded = [spec.with_seeds(numbers) for spec in specs]
    trials = [spec for of_seed in zip(*seeded, strict=True) for spec in of_seed]
    return Plan(trials, notes, understood)


def _spec(
    model: _Choice[ModelCard],
    dataset: _Choice[DatasetCard],
    data: Dataset,
    files: Mapping[str, str],
    facts: Mapping[str, Any],
) -> TrialSpec:
    params = model.params(data)
    metrics = [METRICS[name] for name in facts["metrics"]]
    plugins = plugins_of(model.card, dataset.card, *named_datasets(params), *metrics)
    sources = sources_of(facts["task"], model.card, params, dataset.card, facts["metrics"])
    spec = TrialSpec(
        model=model.label,
        model_name=model.card.name,
        params=params,
        dataset=dataset.label,
        dataset_name=dataset.card.name,
        dataset_params=dataset.params(),
        sources=sources | files_of(plugins, files),
        data_fingerprint=data.fingerprint(),
        plugins=plugins,
        tuned=model.tuned,
        **facts,
    )
    try:
        spec.model_dump_json()
    except (TypeError, ValueError) as error:
        raise GenbenchError(
            f"parameters of {model.label} or {dataset.label} cannot be written as JSON ({message_of(error)}); use "
            "numbers, text, lists or None"
        ) from None
    return spec


def _created(dataset: _Choice[DatasetCard]) -> tuple[Dataset, dict[str, str]]:
    """Return a dataset, and the digests of the files that the constructor of a user's own reads, by path."""
    if dataset.card.built_in:
        return create(dataset.card, dataset.params()), {}
    with opened_files() as opened:
        data: Dataset = create(dataset.card, dataset.params())
    return data, opened.read()


def _choose(
    selected: Sequence[Selection], tuned: Lookup, data: tuple[str, ...], budget: str
) -> list[_Choice[ModelCard]]:
    """Bind the parameters of models, and try each constructor, so that a wrong value is known before a run."""
    choices = {}
    for selection in (one for chosen in selected for one in expanded(MODELS[chosen.name], chosen)):
        card, found = MODELS[selection.name], None
        if asks_for_tuned(card, selection):
            found = without(tuned(Request(card.name, data, budget)), selection)
        given = plain(selection, found).params if found else selection.params
        params = _bound(card, given)
        _attempt(card, params, bool(given))
        shown = {TUNED: True} if found else {}
        typed = Selection(card.name, {name: one for name, one in selection.params.items() if name not in shown})
        label = str(Selection(card.name, _shown(card, typed, params) | shown))
        choices[label] = _Choice(card, label, {name: params[name] for name in given}, found)
    return list(choices.values())


def _bound(card: Card, given: Mapping[str, Any]) -> dict[str, Any]:
    """Bind parameters; a GenbenchError names the class whose signature cannot be read."""
    try:
        return bind(card, given)
    except (NameError, TypeError, AttributeError, RecursionError) as error:
        if card.built_in:
            raise
        text = f"{type(error).__name__}: {message_of(error)}"
        raise GenbenchError(f"the parameters of {card.name} ({card.place}) cannot be read: {text}") from None


def _attempt(card: Card, params: Mapping[str, Any], given: bool) -> Any:
    """Create a model; None where the constructor of a user's own fails, which is for its trials to tell.

    Args:
        given: whether the user has given parameters, so that a ValueError is an answer to them.

    Raises:
        GenbenchError: a built-in model, or the user's own, refuses a parameter.
    """
    try:
        return create(card, params)
    except GenbenchError as error:
        refused = isinstance(error.__context__, ValueError) and given
        if card.built_in or refused or not isinstance(error.__context__, ValueError | SystemExit):
            raise
    except BaseException as error:  # a plugin may raise anything
        if card.built_in or must_stop(error):
            raise
    return None


def _choose_data(asked: Sequence[DataSelection]) -> list[_Choice[DatasetCard]]:
    """Bind the parameters of datasets, and try each constructor; paths of files are absolute from here on.

    Raises:
        GenbenchError: a parameter or a file is refused, or two data sets have one name.
    """
    asked = [replace(one, selection=s) for one in asked for s in expanded(DATASETS[one.selection.name], one.selection)]
    cards = [DATASETS[one.selection.name] for one in asked]
    bound = [located(card, bind(card, one.selection.params)) for card, one in zip(cards, asked, strict=True)]
    shown = [_shown(card, one.selection, params) for card, one, params in zip(cards, asked, bound, strict=True)]
    choices: dict[str, _Choice[DatasetCard]] = {}
    for label, card, one, params in zip(
        labels_of(list(zip(asked, shown, strict=True))), cards, asked, bound, strict=True
    ):
        choice = _Choice(card, label, {name: params[name] for name in one.selection.params})
        if choices.setdefault(label, choice) != choice:
            raise GenbenchError(f"two data sets are called {label}; give one of them another name")
        create(card, params)
    return list(choices.values())


def _shown(card: Card, selection: Selection, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given parameters that a label shows: those that differ from the defaults, and those of presets."""
    usual = defaults(card)
    preset = {name for p in getattr(card.factory, "presets", ()) for name in p.use}
    return {name: params[name] for name in selection.params if params[name] != usual[name] or name in preset}


def _taking_part(choices: list[_Choice[ModelCard]], text: str, task: str) -> list[_Choice[ModelCard]]:
    """Return the models that were made for a task; a whole group or a family leaves the others out.

    Raises:
        GenbenchError: one that was named takes part in other tasks only, or none is left.
    """
    fitting = [choice for choice in choices if choice.card.takes_part(task)]
    named = {selection.name for selection in parse_list(text)}
    for choice in choices:
        if choice not in fitting and (choice.card.name in named or not fitting):
            only = ", ".join(choice.card.tasks)
            raise GenbenchError(f"{choice.label} is for the task {only}, not for {task}; leave it out")
    return fitting


def _with_library(choices: list[_Choice[ModelCard]], text: str) -> tuple[list[_Choice[ModelCard]], list[str]]:
    """Return the models whose library is installed, and notes about those of a whole group or family that lack theirs.

    Raises:
        GenbenchError: one that was named lacks its library, or none is left.
    """
    named = {selection.name for selection in parse_list(text)}
    needs: dict[str, list[_Choice[ModelCard]]] = {}
    for choice in choices:
        if (library := library_of(choice.card)) and not library.installed:
            needs.setdefault(library.need, []).append(choice)
    lacking = [choice for some in needs.values() for choice in some]
    for choice in lacking:
        if choice.card.name in named or len(lacking) == len(choices):
            require_library(choice.card)
    notes = [f"left out: {', '.join(choice.label for choice in some)} ({need})" for need, some in needs.items()]
    return [choice for choice in choices if choice not in lacking], notes


def _pair(
    models: list[_Choice[ModelCard]], label: str, data: Dataset, work: Task, named: set[str]
) -> tuple[list[_Choice[ModelCard]], list[_Choice[ModelCard]], list[str]]:
    """Return the models that can handle a dataset, the oracles that were not asked for, and notes about both."""
    reasons = {model.label: _obstacle(model, data, work) for model in models}
    able = [model for model in models if not reasons[model.label]]
    unable = [model for model in models if reasons[model.label]]
    wrong = [model for model in unable if model.card.name in named or not able]
    if wrong:
        reason = reasons[wrong[0].label]
        raise GenbenchError(f"{wrong[0].label} cannot handle {label}: it {reason}; leave one out")
    notes = [
        f"left out on {label}: {', '.join(model.label for model in unable if reasons[model.label] == reason)} "
        f"({reason})"
        for reason in dict.fromkeys(reasons[model.label] for model in unable)
    ]
    asked = {model.card.name for model in able}
    oracles = [c for c in MODELS.cards.values() if c.role == "oracle" and data.kind in c.kinds and c.name not in asked]
    floors = [_Choice(card, card.name, {}) for card in oracles]
    return able, [floor for floor in floors if not _obstacle(floor, data, work)], notes


def _obstacle(model: _Choice[ModelCard], data: Dataset, work: Task) -> str:
    """Return why a model cannot do a task on the data; empty if it can."""
    if data.kind not in model.card.kinds:
        return f"takes {', '.join(model.card.kinds)}, not {data.kind}"
    with collected_warnings():
        plugin = _attempt(model.card, model.params(data), bool(model.given))
    if plugin is None:
        return ""  # its trials say what its constructor raises
    if getattr(plugin, "conditional", False) and data.classes is None:
        return "is conditional, and there are no classes"
    return work.obstacle(model.card, plugin, data)
