"""The contract of a metric: a function from evidence about a trained model to a number."""

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
    """The value of a metric, with its standard error and a warning where there are any.

    The standard error is given where the value is a mean.
    """

    value: float
    standard_error: float | None = None
    flag: str | None = None

    @classmethod
    def mean(cls, values: Array) -> Score:
        """Return the mean of independent values [n] and its standard error.

        There is no standard error if a value is infinite.
        """
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
        """Whether scores of models are compared by quotients.

        They are if the score is a distance, whose noise grows with it, and not a share.
        """
        return self.ratio and not self.higher_is_better

    @property
    def is_cheap(self) -> bool:
        """Whether the selection `cheap` includes it."""
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
        family, label, unit: the family by which it is selected, its heading in tables, and its unit ("nats", …).
        needs: some of "density" (the model's log_prob), "score" (its gradient), "shares" (of samples and density),
            "train" (the training points), "truth" (fresh draws), "true_density", "true_score", "modes", "labels",
            "levels" and "pictures" (that the data are images). The metric is left out where a need is not met.
        order: position among the columns. The first metric that every model has is the default of `--sort`.
        ratio: whether the quotient by the oracle's score has a meaning. It has none for nats and for a score around 0.
        by_likelihood: whether models are ranked only with models of the same likelihood kind (exact, bound, …).
        variant: whether it is computed only if it is named, and is not part of `all`.
        costly: whether, on some data, it takes longer than all others together; `cheap` leaves it out.
        task: the task whose `TaskEvidence` it uses. If empty, it uses the `Evidence` of samples and densities.
        ranked: whether models are ranked by it. A fact about the measurement is not ranked.
        main: whether a terminal shows it if it was not named. Metrics of plugins are always shown.

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
    """Return a selection with `cheap` spelled out for a task that has its own metrics.

    In its place are the names of the task's metrics that are not costly.
    """
    cheap = ",".join(card.name for card in METRICS.cards.values() if card.task == task and card.is_cheap)
    return ",".join(cheap if spec.name == CHEAP else str(spec) for spec in parse_list(selection))


def select_metrics(selection: str, task: str = "") -> list[MetricCard]:
    """Return the metrics of a selection that score a task, in the order of their columns.

    A task with its own metrics is scored only by these, any other task by the metrics of samples and densities. `all`,
    `zoo`, `cheap` (`all` without the costly ones) and families leave out metrics that do not fit the task.

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
