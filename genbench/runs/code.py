"""Digests of the code on which a trial depends: its model, data, task and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from genbench.contracts.dataset import DATASETS, DatasetCard
from genbench.contracts.metric import METRICS
from genbench.contracts.model import ModelCard
from genbench.core.cards import Card
from genbench.core.code_fingerprint import Definition, digest_of, installed, kept_digest
from genbench.core.errors import GenbenchError
from genbench.core.plugin_code import imported_files, surroundings
from genbench.core.plugin_loading import LOADED
from genbench.core.selection import parse_list
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.model_outputs import score
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.storage.records import FILE, TrialSpec
from genbench.tasks import load_task

__all__ = ["SCORING", "changed_code", "code_of", "files_of", "named_datasets", "plugins_of", "sources_of"]

SCORING = ("evaluation", "metric ")  # how the names of what scores samples begin; the rest makes them


def code_of(*cards: Card) -> str:
    """Return the digest of the code of plugins.

    For a user's plugin, it includes the files that its file imports.
    """
    digests = [digest_of(*(Definition.of(card.factory, card.file) for card in cards))]
    for card in cards:
        if not card.built_in:
            files = LOADED[card.plugin].imported if card.plugin in LOADED else imported_files(card.file)
            others = [file for file in files if file != card.file]
            digests.append(surroundings(card.file, others, script=not card.portable))
    return digests[0] if not any(digests[1:]) else sha256(" ".join(digests).encode()).hexdigest()[:12]


def plugins_of(*cards: Card) -> tuple[str, ...]:
    """Return the files and modules that registered cards, by the names that were given."""
    return tuple(sorted({card.plugin for card in cards if card.plugin}))


def files_of(plugins: Iterable[str], opened: Mapping[str, str] = {}) -> dict[str, str]:
    """Return the digests of the data files that plugins read when they were imported, by name.

    Args:
        opened: digests of further files, by path.
    """
    loaded = [LOADED[name] for name in plugins if name in LOADED]
    folders = [plugin.file.parent for plugin in loaded]
    found: dict[str, list[str]] = {}
    for data in (*(plugin.data for plugin in loaded), opened):
        for path, digest in ((Path(name), digest) for name, digest in data.items()):
            folder = next((folder for folder in folders if path.is_relative_to(folder)), path.parent)
            found.setdefault(f"{FILE}{path.relative_to(folder).as_posix()}", []).append(digest)
    return {name: " ".join(sorted(set(digests))) for name, digests in sorted(found.items())}


def sources_of(
    task: str, model: ModelCard, params: Mapping[str, object], dataset: DatasetCard, metrics: Iterable[str]
) -> dict[str, str]:
    """Return the digests of code and files in a spec, by name.

    If a parameter names a dataset, such as a source of noise, the code of that dataset counts, too.
    """
    return {
        "model": code_of(model),
        "dataset": code_of(dataset),
        "task": _engine(task),
        "evaluation": _evaluation(),
        **{f"dataset {card.name}": code_of(card) for card in named_datasets(params)},
        **{f"metric {name}": code_of(METRICS[name]) for name in metrics},
    }


def named_datasets(params: Mapping[str, object]) -> list[DatasetCard]:
    """Return the datasets that parameters name."""
    named = {name for value in params.values() if isinstance(value, str) for name in _names(value)}
    return [DATASETS[name] for name in sorted(named & DATASETS.cards.keys())]


def changed_code(spec: TrialSpec, **cards: Card) -> list[str]:
    """Return the labels of the cards whose code is not that of a trial.

    A label is, for example, `model` in `model=card`.
    """
    return [
        f"{name.partition(' ')[0]} {card.name}"
        for name, card in cards.items()
        if spec.sources.get(name) != code_of(card)
    ]


@cache
def _engine(task: str) -> str:
    """Return the digest of a task and of all that fits and draws, but not of what scores."""
    roots = [Definition.of(part) for part in (type(load_task(task)), ResolvedTrial)]
    return kept_digest("task", roots, lambda: installed().digest(installed().reached(*roots) - _scoring()))


@cache
def _evaluation() -> str:
    """Return the digest of what scores."""
    return kept_digest("evaluation", [], lambda: installed().digest(_scoring()))


@cache
def _scoring() -> frozenset[Definition]:
    """Return what scores the outputs of a model, and has no part in making them."""
    code = installed()
    scoring = code.reached(Definition.of(evaluate), Definition.of(score))
    return frozenset(scoring - code.reached(Definition.of(ResolvedTrial)))


def _names(text: str) -> set[str]:
    try:
        return {selection.name for selection in parse_list(text)}
    except GenbenchError:  # not every text parameter is a selection
        return set()
