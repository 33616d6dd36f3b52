"""The contract of a metric: one function from the evidence about a trained model to a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np

from genbench.core.cards import Card
from genbench.core.errors import ContractError, GenbenchError
from genbench.core.process_state import put_back
from genbench.core.registry import REGISTRY, Group
from genbench.core.selection import parse_list
from genbench.core.types import Array

__all__ = ["CHEAP", "METRICS", "MetricCard", "Score", "register_metric", "select_metrics", "spelled_out"]

OF_MODEL = ("density", "score", "shares", "train")  # what a metric may need to know of the model, and of the data
NEEDS = (*OF_MODEL, "truth", "true_density", "true_score", "modes", "labels", "levels", "pictures")

CHEAP = "cheap"  # the selection of those that are neither variants nor costly

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Score(NamedTuple):
    """A metric's value, its standard error where it is a mean, and a line of warning where the value needs one."""

    value: float
    standard_error: float | None = None
    flag: str | None = None

    @classmethod
    def mean(cls, values: Array) -> Score:
        """Return the mean of independent values [n] and its standard error; without one where a value is infinite."""
        if not np.isfinite(values).all():
            with np.errstate(invalid="ignore"):  # infinities of both signs have no mean: NaN
                return cls(float(values.mean()))
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
        return cls(float(values.mean()), error)


@dataclass(frozen=True)
class MetricCard(Card):
    """What the registry knows about a metric."""

    label: str = ""
    unit: str = ""
    higher_is_better: bool = False
    needs: frozenset[str] = frozenset()
    order: int = 100
    ratio: bool = True
    by_likelihood: bool = False
    variant: bool = False
    costly: bool = False
    task: str = ""
    ranked: bool = True
    main: bool = False

    @property
    def logarithmic(self) -> bool:
        """Whether scores of models are compared by quotients: a distance, whose noise grows with it, and no share."""
        return self.ratio and not self.higher_is_better

    @property
    def is_cheap(self) -> bool:
        """Whether `cheap` selects it."""
        return not (self.costly or self.variant)


METRICS: Group[MetricCard] = REGISTRY["metrics"]


def register_metric(
    name: str,
    *,
    family: str = "own",
    label: str = "",
    unit: str = "",
    higher_is_better: bool = False,
    needs: tuple[str, ...] = (),
    order: int = 100,
    ratio: bool = True,
    by_likelihood: bool = False,
    variant: bool = False,
    costly: bool = False,
    task: str = "",
    ranked: bool = True,
    main: bool = False,
) -> Callable[[F], F]:
    """Register a function `metric(evidence) -> float | Score` under `name`.

    Args:
        family, label, unit: what it is listed with and selected by; its heading in tables; "nats", "data units", …
        needs: of "density" (the model's log_prob), "score" (its gradient), "shares" (of samples and density),
            "train" (the training points), "truth" (fresh draws), "true_density", "true_score", "modes", "labels",
            "levels" and "pictures" (that the data are images); absent where one is unmet.
        order: place among the columns; the first one that every model has is the default of `--sort`.
        ratio: whether the quotient by the oracle's score means anything (not for nats, nor for a score around 0).
        by_likelihood: whether models of different likelihood kinds (exact, bound, …) must not be ranked together.
        variant: whether it is computed only where it is named, not as one of `all`.
        costly: whether it takes longer than the others together, on some data at least; `cheap` leaves it out.
        task: the task whose `TaskEvidence` it looks at; if empty, it looks at the `Evidence` of samples and densities.
        ranked: whether it is a merit in which models compete, and not a fact about the measurement.
        main: whether a terminal shows it although it was not named; it shows those of plugins in any case.

    Raises:
        ContractError: `needs` names something unknown, or the name is that of a selection.
    """
    _check(name, needs, task)

    def wrap(function: F) -> F:
        card = MetricCard(
            name,
            family,
            function if function.__module__.startswith("genbench.") else _putting_back(function),
            label=label or name,
            unit=unit,
            higher_is_better=higher_is_better,
            needs=frozenset(needs),
            order=order,
            ratio=ratio,
            by_likelihood=by_likelihood,
            variant=variant,
            costly=costly,
            task=task,
            ranked=ranked,
            main=main,
        )
        METRICS.add(card)
        return function

    return wrap


def _putting_back(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a user's metric that leaves the process as it was, for the metrics that come after it."""

    @wraps(function)
    def metric(evidence: Any) -> Any:
        with put_back():
            return function(evidence)

    return metric


def _check(name: str, needs: tuple[str, ...], task: str) -> None:
    if name == CHEAP:
        raise ContractError(f"metric name '{CHEAP}' stands for the metrics that are not costly; choose another")
    if not task and set(needs) - set(NEEDS):
        raise ContractError(f"metric '{name}' needs {needs!r}; write some of {', '.join(NEEDS)}")


def spelled_out(selection: str, task: str = "") -> str:
    """Return a selection with the names of a task's own metrics that are not costly in the place of `cheap`."""
    cheap = ",".join(card.name for card in METRICS.cards.values() if card.task == task and card.is_cheap)
    return ",".join(cheap if spec.name == CHEAP else str(spec) for spec in parse_list(selection))


def select_metrics(selection: str, task: str = "") -> list[MetricCard]:
    """Return the metrics of a selection that score a task, in the order of their columns.

    A task that has metrics of its own is scored by these alone, any other by those of samples and densities. `all`,
    `zoo`, `cheap` (`all` without the costly ones) and families leave out what does not fit the task.

    Raises:
        GenbenchError: a name is unknown, a metric that was named belongs to another task, or none is left.
    """
    group = METRICS
    own = task if any(card.task == task for card in group.cards.values()) else ""
    named = {spec.name for spec in parse_list(selection)}
    chosen: list[MetricCard] = [group[spec.name] for spec in group.select(spelled_out(selection, own))]
    strangers = [card for card in chosen if card.task != own and (card.name in named or len(chosen) == 1)]
    fitting = [card for card in chosen if card.task == own]
    if strangers or not fitting:
        what = strangers[0].name if strangers else selection
        known = ", ".join(sorted(card.name for card in group.cards.values() if card.task == own))
        raise GenbenchError(f"'{what}' is no metric of the task {task or 'generate'}; it has {known}")
    return sorted(fitting, key=lambda card: (card.order, card.name))
