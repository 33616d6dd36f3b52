"""What to do: models x datasets x seeds, with parameters and a budget, as a list of trials."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from genbench.contracts.dataset import DATASETS, Dataset
from genbench.contracts.evidence import Protocol
from genbench.contracts.metric import METRICS, select_metrics
from genbench.contracts.model import MODELS
from genbench.contracts.recipe import Budget
from genbench.core.code_fingerprint import fingerprint
from genbench.core.errors import GenbenchError, collected_warnings
from genbench.core.parameters import bind, create, defaults
from genbench.core.registry import Card, Group
from genbench.core.selection import Spec, parse_list
from genbench.storage.records import TrialSpec
from genbench.tasks import task_module

__all__ = ["Plan", "make_plan", "parse_seeds"]

MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Plan:
    """The trials of a run, and what was left out or added, in words."""

    trials: list[TrialSpec]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Choice:
    """A plugin with its parameters bound, of which some were given."""

    card: Any
    label: str
    params: dict[str, Any]
    given: frozenset[str]

    def on(self, data: tuple[str, tuple[int, ...]]) -> _Choice:
        """Return the choice for data of some kind and shape: the model's presets fill in what was not given."""
        given = {name: self.params[name] for name in self.given}
        return replace(self, params=bind(self.card, given, data))


def parse_seeds(seeds: str | int | Sequence[int]) -> list[int]:
    """Return the seeds: 3 or "3" is 0, 1, 2; "4,7" and "4," name them.

    Raises:
        GenbenchError: there is no seed, or one is not a whole number from 0 to 2³² − 1.
    """
    text = str(seeds) if isinstance(seeds, str | int) else ",".join(map(str, seeds)) + ","
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*,?\s*", text):
        raise GenbenchError(f"seeds '{text}' is neither a number of seeds (3) nor a list of them (4,7 or 4,)")
    numbers = [int(part) for part in text.split(",") if part.strip()]
    chosen = numbers if "," in text else list(range(numbers[0]))
    if not chosen:
        raise GenbenchError("seeds '0' leaves nothing to run; ask for at least 1")
    if max(chosen) > MAX_SEED:
        raise GenbenchError(f"seed {max(chosen)} is too large; use whole numbers up to {MAX_SEED}")
    return list(dict.fromkeys(chosen))


def make_plan(
    models: str,
    datasets: str,
    seeds: str | int | Sequence[int] = 3,
    budget: str = "quick",
    metrics: str = "all",
    task: str = "generate",
    protocol: Protocol = Protocol(),
    plugins: Sequence[str] = (),
) -> Plan:
    """Return the trials that a request stands for; every dataset gets the oracle, whose scores are the floor.

    Raises:
        GenbenchError: a name, a parameter, a seed or the budget is wrong, or a model that was named cannot handle a
            dataset.
    """
    Budget(budget)
    work = task_module(task)
    numbers = parse_seeds(seeds)
    with collected_warnings() as cautions:
        chosen_models = _taking_part(_choose(MODELS, models), models, task)
        chosen_datasets = _choose(DATASETS, datasets)
    named = {spec.name for spec in parse_list(models)}  # and not one of a family
    names = tuple(card.name for card in select_metrics(metrics, task))
    paths = tuple(str(Path(plugin).expanduser().resolve()) for plugin in plugins)
    notes, groups = [f"caution: {text}" for text in cautions], []
    for dataset in chosen_datasets:
        data = create(dataset.card, dataset.params)
        if hasattr(work, "check_data"):
            work.check_data(data)
        able, floors, note = _pair(chosen_models, dataset, data, work, named)
        notes += note
        suited = [model.on((data.kind, data.shape)) for model in floors + able]
        groups.append((dataset, data.fingerprint(), suited))
    trials = []
    for seed in numbers:
        for dataset, data_fingerprint, suited in groups:
            trials += [
                TrialSpec(
                    task=task,
                    model=model.label,
                    model_name=model.card.name,
                    params=model.params,
                    dataset=dataset.label,
                    dataset_name=dataset.card.name,
                    dataset_params=dataset.params,
                    seed=seed,
                    budget=budget,
                    metrics=names,
                    protocol=protocol,
                    sources=_sources(task, model, dataset.card, names),
                    data_fingerprint=data_fingerprint,
                    plugins=paths,
                )
                for model in suited
            ]
    return Plan(trials, notes)


def _choose(group: Group[Any], selection: str) -> list[_Choice]:
    """Bind the parameters of a selection, and try each constructor, so that a wrong value is known before a run."""
    choices = {}
    for spec in group.select(selection):
        card = group[spec.name]
        params = bind(card, spec.params)
        create(card, params)
        usual = defaults(card)
        preset = {name for p in getattr(card.factory, "presets", ()) for name in p.use}
        shown = {name: params[name] for name in spec.params if params[name] != usual[name] or name in preset}
        label = str(Spec(card.name, shown))
        choices[label] = _Choice(card, label, params, frozenset(spec.params))
    return list(choices.values())


def _taking_part(choices: list[_Choice], selection: str, task: str) -> list[_Choice]:
    """Return the models that were made for a task; a whole group or a family leaves the others out.

    Raises:
        GenbenchError: one that was named takes part in other tasks only, or none is left.
    """
    fitting = [choice for choice in choices if choice.card.takes_part(task)]
    named = {spec.name for spec in parse_list(selection)}
    for choice in choices:
        if choice not in fitting and (choice.card.name in named or not fitting):
            only = ", ".join(choice.card.tasks)
            raise GenbenchError(f"{choice.label} takes part in the task {only} only, not in {task}; leave it out")
    return fitting


def _pair(
    models: list[_Choice], dataset: _Choice, data: Dataset, work: ModuleType, named: set[str]
) -> tuple[list[_Choice], list[_Choice], list[str]]:
    """Return the models that can handle a dataset, the oracles that were not asked for, and notes about both."""
    kind = dataset.card.kind
    reasons = {model.label: _obstacle(model, data, work) for model in models}
    able = [model for model in models if not reasons[model.label]]
    unable = [model for model in models if reasons[model.label]]
    wrong = [model for model in unable if model.card.name in named or not able]
    if wrong:
        label = wrong[0].label
        raise GenbenchError(f"{label} cannot handle {dataset.label}: it {reasons[label]}; leave one out")
    notes = [
        f"left out on {dataset.label}: {', '.join(model.label for model in unable if reasons[model.label] == reason)} "
        f"({reason})"
        for reason in dict.fromkeys(reasons[model.label] for model in unable)
    ]
    asked = {model.card.name for model in able}
    oracles = [c for c in MODELS.cards.values() if c.role == "oracle" and kind in c.kinds and c.name not in asked]
    floors = [_Choice(card, card.name, bind(card, {}), frozenset()) for card in oracles]
    return able, [floor for floor in floors if not _obstacle(floor, data, work)], notes


def _obstacle(model: _Choice, data: Dataset, work: ModuleType) -> str:
    """Return why a model cannot do a task on the data; empty if it can."""
    if data.kind not in model.card.kinds:
        return f"takes {', '.join(model.card.kinds)}, not {data.kind}"
    with collected_warnings():
        plugin = create(model.card, model.on((data.kind, data.shape)).params)
    if getattr(plugin, "conditional", False) and data.classes is None:
        return "is conditional, and there are no classes"
    return str(work.obstacle(model.card, plugin, data)) if hasattr(work, "obstacle") else ""


def _sources(task: str, model: _Choice, dataset: Card, metrics: Sequence[str]) -> dict[str, str]:
    """Return digests of all code that the outcome hangs on; a parameter that names a dataset hangs on it, too."""
    import genbench.tasks

    named = {spec.name for value in model.params.values() if isinstance(value, str) for spec in _specs(value)}
    others = [card.file for name, card in DATASETS.cards.items() if name in named]

    task_file = Path(genbench.tasks.__path__[0]) / f"{task}.py"
    judges = [METRICS[name].file for name in metrics]
    return fingerprint(task_file, model.card.file, dataset.file, *others, *judges)


def _specs(text: str) -> list[Spec]:
    try:
        return parse_list(text)
    except GenbenchError:  # not every text parameter is a selection
        return []
