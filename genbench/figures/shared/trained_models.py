"""The trained models of a run, reloaded for figures, and reasons for missing ones."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial
from typing import TypeVar

from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.model import MODELS, ModelCard
from genbench.contracts.optional_methods import supports
from genbench.core.errors import GenbenchError, collected_warnings
from genbench.core.recorded_plugins import NeedsPlugin
from genbench.estimator.estimator import Estimator
from genbench.figures.shared.panels import first_seeds, short, stem_of
from genbench.plotting.style import FAILED
from genbench.runs.reload import CannotReload, Trained, reload, require_plugins
from genbench.storage.records import TrialRecord
from genbench.storage.store import Store

__all__ = ["by_models", "gather", "note", "with_methods"]

# Chosen by hand.
KEPT = 32  # models that stay in memory for the next figure; by hand: the zoo on one dataset
LONGEST = 80  # letters of a reason

S = TypeVar("S")
T = TypeVar("T")


def with_methods(*methods: type) -> Callable[[ModelCard], bool]:
    """Return a test of whether a model has some optional methods, given by their protocols."""
    return lambda card: supports(card.factory, *methods)


def gather(
    run: RunData, dataset: str, able: Callable[[ModelCard], bool], show: Callable[[TrialRecord, Estimator], T]
) -> tuple[list[tuple[TrialRecord, T]], list[str]]:
    """Return the results of `show` for the models of a dataset, the leader first.

    For each model that fails, there is a line with the reason. The first seed of each model that did not fail is used.
    The oracle is left out, because it is the truth, and samples from outside, because they have no model.

    Args:
        able: whether a model has what the figure needs. Other models are not failures, and have no line.
        show: called with each trial and a copy of its trained model. An error that it raises becomes a line.
    """
    found, missing = [], []
    for trial in first_seeds(run, dataset):
        try:
            if trial.role == "oracle" or trial.spec.outside:
                continue
            require_plugins(trial.spec)
            card = MODELS[trial.spec.model_name]
            if not able(card):
                continue
            if trial.status != "ok":
                raise GenbenchError(trial.status)
            with collected_warnings():  # the trial's record has them already
                found.append((trial, show(trial, copy.deepcopy(_revived(str(run.path), trial.key)))))
        except NotImplementedError:
            continue  # not possible on these data, as with a conditional model, which has no unconditional density
        except Exception as error:  # a plugin may raise anything; the other models are drawn
            words = str(error) if isinstance(error, GenbenchError) else f"{type(error).__name__}: {error}"
            most = LONGEST if not isinstance(error, NeedsPlugin) else 1_000  # it names the command
            reason = error.reason if isinstance(error, CannotReload) else words.removeprefix(f"{trial.model} ")
            missing.append(f"{trial.model} ({short(' '.join(reason.split()), most)})")
    return found, missing


def by_models(
    run: RunData,
    stem: str,
    datasets: Iterable[str],
    able: Callable[[ModelCard], bool],
    view_of: Callable[[TrialRecord], S],
    show: Callable[[S, TrialRecord, Estimator], T],
    lay_out: Callable[[str, S, Sequence[tuple[TrialRecord, T]]], Figure],
) -> dict[str, Figure]:
    """Return a figure for each dataset for which `gather` finds a model.

    A note says which models failed.

    Args:
        able: see `gather`.
        view_of: returns, from one trial on a dataset, what all panels of the dataset share, such as a `SamplePanel`.
        show: called with that, and with the arguments of `gather`.
        lay_out: called with a dataset, what its panels share, and the results of `gather`.

    Raises:
        GenbenchError: all models that are able failed; the message says why.
    """
    figures: dict[str, Figure] = {}
    reasons: list[str] = []
    for dataset in datasets:
        view = cache(partial(view_of, first_seeds(run, dataset)[0]))
        found, missing = gather(run, dataset, able, lambda *trained, view=view: show(view(), *trained))
        if found:
            figure = lay_out(dataset, view(), found)
            note(figure, missing)
            figures[stem_of(run, stem, dataset)] = figure
        reasons += [f"{line} on {dataset}" for line in missing]
    if reasons and not figures:
        more = f", and {len(reasons) - 3} more" if len(reasons) > 3 else ""
        raise GenbenchError(f"no trained model can be shown: {'; '.join(reasons[:3])}{more}")
    return figures


def note(figure: Figure, missing: Sequence[str]) -> None:
    """Write below a figure which models are missing, and why."""
    if missing:
        before = figure.get_supxlabel()
        figure.supxlabel("\n\n".join(filter(None, [before, f"Not shown: {'; '.join(missing)}"])), color=FAILED)


@lru_cache(maxsize=KEPT)
def _revived(path: str, key: str) -> Estimator:
    """Return the model of a trial, ready to draw, for copying; one that keeps no weights is fitted again.

    Raises:
        GenbenchError: it cannot be reloaded; the reason is for a reader of the figure.
    """
    store = Store(path)
    return reload(Trained(store.read(key).spec, store.weights(key), "trained"))
