"""The contract of a metric: one function from the evidence about a trained model to a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from genbench.core.errors import ContractError, GenbenchError
from genbench.core.registry import REGISTRY, Card, Group
from genbench.core.selection import parse_list
from genbench.core.types import Array

__all__ = ["METRICS", "MetricCard", "Score", "register_metric", "select_metrics"]

NEEDS = ("density", "truth", "modes", "train", "labels", "levels", "pictures", "shares")

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Score(NamedTuple):
    """A metric's value, its standard error where it is a mean, and a line of warning where the value needs one."""

    value: float
    standard_error: float | None = None
    flag: str | None = None

    @classmethod
    def mean(cls, values: Array) -> Score:
        """Return the mean of independent values [n] and its standard error."""
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
    task: str = ""
    ranked: bool = True
    main: bool = False


METRICS: Group[MetricCard] = REGISTRY["metrics"]


def register_metric(
    name: str,
    *,
    family: str,
    label: str = "",
    unit: str = "",
    higher_is_better: bool = False,
    needs: tuple[str, ...] = (),
    order: int = 100,
    ratio: bool = True,
    by_likelihood: bool = False,
    variant: bool = False,
    task: str = "",
    ranked: bool = True,
    main: bool = False,
) -> Callable[[F], F]:
    """Register a function `metric(evidence) -> float | Score` under `name`.

    Args:
        label: heading in tables and figures.
        unit: "nats", "data units", …
        needs: of "density" (the model's log_prob), "truth" (the data's), "modes", "train" (the training points),
            "labels", "levels" (both of images), "pictures" (that they are images) and "shares" (of the samples and of
            an exact density in regions); absent where one is unmet.
        order: place among the columns; the first one that every model has is the default of `--sort`.
        ratio: whether the quotient by the oracle's score means anything (not for nats, nor for a score around 0).
        by_likelihood: whether models of different likelihood kinds (exact, bound, …) must not be ranked together.
        variant: whether it is computed only where it is named, not as one of `all`.
        task: the task whose `TaskEvidence` it looks at; if empty, it looks at the `Evidence` of samples and densities.
        ranked: whether it is a merit in which models compete, and not a fact about the measurement.
        main: whether a terminal shows it where there is no room for all.

    Raises:
        ContractError: `needs` names something unknown.
    """
    if not task and set(needs) - set(NEEDS):
        raise ContractError(f"metric '{name}' needs {needs!r}; write some of {', '.join(NEEDS)}")

    def wrap(function: F) -> F:
        card = MetricCard(
            name,
            family,
            function,
            label=label or name,
            unit=unit,
            higher_is_better=higher_is_better,
            needs=frozenset(needs),
            order=order,
            ratio=ratio,
            by_likelihood=by_likelihood,
            variant=variant,
            task=task,
            ranked=ranked,
            main=main,
        )
        METRICS.add(card)
        return function

    return wrap


def select_metrics(selection: str, task: str = "") -> list[MetricCard]:
    """Return the metrics of a selection that score a task, in the order of their columns.

    A task that has metrics of its own is scored by these alone, any other by those of samples and densities. `all`,
    `zoo` and families leave out what does not fit the task.

    Raises:
        GenbenchError: a name is unknown, a metric that was named belongs to another task, or none is left.
    """
    group = METRICS
    own = task if any(card.task == task for card in group.cards.values()) else ""
    chosen: list[MetricCard] = [group[spec.name] for spec in group.select(selection)]
    named = {spec.name for spec in parse_list(selection)}
    strangers = [card for card in chosen if card.task != own and (card.name in named or len(chosen) == 1)]
    fitting = [card for card in chosen if card.task == own]
    if strangers or not fitting:
        what = strangers[0].name if strangers else selection
        known = ", ".join(sorted(card.name for card in group.cards.values() if card.task == own))
        raise GenbenchError(f"'{what}' is no metric of the task {task or 'generate'}; it has {known}")
    return sorted(fitting, key=lambda card: (card.order, card.name))
