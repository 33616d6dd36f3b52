"""The search space of a model: its parameters and ranges.

It converts points to configurations.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genbench.contracts.model import ModelCard
from genbench.core.errors import ContractError, GenbenchError, nearest, shown
from genbench.core.parameters import bind, defaults
from genbench.core.search_ranges import Choices, LogRange, Range, SearchRange, declared_ranges, whole
from genbench.core.selection import Params, Selection, parse

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Space", "read_space"]

BETWEEN = re.compile(r"(?P<low>[^.|:]*(?:\.\d+[^.|:]*)?)\.\.(?P<high>[^|:]*)(?P<log>:log)?")
# Parameters of a recipe that leave the time of a step as it is.
FREE = ("lr", "warmup", "cycles", "beta1", "beta2", "weight_decay", "clip", "ema")
STEP_MS = "step_ms"

Point = dict[str, Any]  # a value for each parameter of the space


def read_space(text: str) -> dict[str, SearchRange]:
    """Return the ranges of `--space`: `lr=1e-4..1e-2:log,hidden=64|128|256`.

    >>> {name: str(where) for name, where in read_space("lr=1e-4..1e-2:log, solver = euler|midpoint").items()}
    {'lr': '0.0001..0.01:log', 'solver': 'euler|midpoint'}

    Raises:
        GenbenchError: a part cannot be read.
    """
    try:
        params = parse(f"x[{text}]").params
    except GenbenchError:
        raise GenbenchError(f"--space '{shown(text)}' cannot be read; {HOW}") from None
    if not params:
        raise GenbenchError(f"--space is empty; {HOW}")
    return {name: _range(name, params.texts[name]) for name in params}  # type: ignore[attr-defined]


HOW = "write lr=1e-4..1e-2:log,hidden=64|128|256, numbers between two ends or values"


def _range(name: str, text: str) -> SearchRange:
    """Return the range that was written for a parameter."""
    try:
        if found := BETWEEN.fullmatch(text):
            low, high = (_value(name, found[end]) for end in ("low", "high"))
            return LogRange(low, high) if found["log"] else Range(low, high)
        return Choices(*(_value(name, part) for part in text.split("|")))
    except (ContractError, TypeError) as error:
        raise GenbenchError(f"--space {name}={shown(text)}: {error}; {HOW}") from None


def _value(name: str, text: str) -> Any:
    if not text.strip():
        raise GenbenchError(f"--space {name}: a value is missing; {HOW}")
    return parse(f"x[v={text}]").params["v"]


@dataclass(frozen=True)
class Space:
    """The search space of a model.

    Attributes:
        given: parameters with fixed values.
        ranges: range of each parameter.
    """

    card: ModelCard
    given: Mapping[str, Any]
    ranges: Mapping[str, SearchRange]

    @classmethod
    def of(cls, card: ModelCard, selection: Selection, asked: Mapping[str, SearchRange] | None) -> Space:
        """Return the search space of a model.

        It is the one that was asked for, as far as the model has the parameters, or else the declared one.

        Raises:
            GenbenchError: there is nothing to search, or a parameter does not accept a value.
        """
        known = declared_ranges(card) if asked is None else asked
        ranges = {
            name: where for name, where in known.items() if name in defaults(card) and name not in selection.params
        }
        if not ranges and asked is None:
            raise GenbenchError(
                f"{card.name} declares no ranges to search; name some: --space 'NAME=0.1..10:log', or declare them in "
                "its constructor: Annotated[float, LogRange(0.1, 10)]"
            )
        if not ranges:
            name = next(iter(known))
            raise GenbenchError(
                f"{selection} has no parameter '{shown(name)}' to search{nearest(name, list(defaults(card)))}"
            )
        found = cls(card, selection.params, ranges)
        for name, where in ranges.items():
            for value in (
                where.values if isinstance(where, Choices) else (found._number(name, end) for end in _ends(where))
            ):
                bind(card, {name: value})
        return found

    def written(self) -> dict[str, str]:
        """Return the ranges as text, by parameter."""
        return {name: str(where) for name, where in self.ranges.items()}

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return the ranges as Optuna's distributions; choices are given by their index."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        found: dict[str, BaseDistribution] = {}
        for name, where in self.ranges.items():
            if isinstance(where, Choices):
                found[name] = CategoricalDistribution(range(len(where.values)))
            elif whole(self.card, name, where):
                found[name] = IntDistribution(int(where.low), int(where.high), log=where.logarithmic)
            else:
                found[name] = FloatDistribution(where.low, where.high, log=where.logarithmic)
        return found

    def decoded(self, drawn: Mapping[str, Any]) -> Point:
        """Return the point for Optuna's numbers, rounded to a few digits."""
        found = {}
        for name, where in self.ranges.items():
            value = drawn[name]
            found[name] = where.values[value] if isinstance(where, Choices) else self._number(name, value)
        return found

    def encoded(self, point: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a point as Optuna's numbers, or None if it is outside of the space."""
        found: dict[str, Any] = {}
        for name, where in self.ranges.items():
            value = point.get(name)
            if isinstance(where, Choices):
                if value not in where.values:
                    return None
                found[name] = where.values.index(value)
            elif isinstance(value, int | float) and where.low <= value <= where.high:
                found[name] = value
            else:
                return None
        return found

    def usual(self, data: tuple[str, tuple[int, ...]]) -> Point:
        """Return the point of the defaults for data of a kind and shape, even outside the space."""
        return {name: value for name, value in bind(self.card, self.given, data).items() if name in self.ranges}

    def params(self, point: Point) -> Params:
        """Return the parameters of a configuration.

        If they may change the time of a step, this time is measured later. So a named budget has the same length for
        every configuration, here and in a later run.
        """
        times = not set(point) <= set(FREE) and defaults(self.card).get(STEP_MS) is not None
        measured = {STEP_MS: None} if times and STEP_MS not in (*self.given, *point) else {}
        return Params({**point, **measured})

    def point(self, params: Mapping[str, Any]) -> Point:
        """Return the point of a configuration's parameters."""
        return {name: value for name, value in params.items() if name in self.ranges}

    def points(self, most: int) -> list[Point] | None:
        """Return all points of a space with at most `most` points; None for a larger space."""
        levels: dict[str, Sequence[Any]] = {}
        for name, where in self.ranges.items():
            if isinstance(where, Choices):
                levels[name] = where.values
            elif whole(self.card, name, where) and where.high - where.low < most:
                levels[name] = range(int(where.low), int(where.high) + 1)
            else:
                return None
        found = itertools.islice(itertools.product(*levels.values()), most + 1)
        points = [dict(zip(levels, values, strict=True)) for values in found]
        return points if len(points) <= most else None

    def grid(self, most: int) -> list[Point]:
        """Return the points of an even grid.

        It has all choices, and as many numbers of each range as possible.

        Raises:
            GenbenchError: with two numbers of each range, the grid has more than `most` points.
        """
        found: list[Point] = []
        for parts in itertools.count(2):
            axes = {name: list(self._levels(name, where, parts)) for name, where in self.ranges.items()}
            points = [
                dict(zip(axes, values, strict=True))
                for values in itertools.islice(itertools.product(*axes.values()), most + 1)
            ]
            if len(points) > most and not found:
                raise GenbenchError(
                    f"a grid of {self.card.name} has more than {most} points; give more --trials, or fewer parameters"
                )
            if len(points) > most or len(points) == len(found):
                return found
            found = points
        raise AssertionError

    def _levels(self, name: str, where: SearchRange, parts: int) -> Iterator[Any]:
        """Yield the values of a parameter in a grid."""
        if isinstance(where, Choices):
            yield from where.values
            return
        low, high = where.low, where.high
        even = (
            low * (high / low) ** (k / (parts - 1)) if where.logarithmic else low + (high - low) * k / (parts - 1)
            for k in range(parts)
        )
        yield from dict.fromkeys(self._number(name, value) for value in even)

    def _number(self, name: str, value: float) -> float:
        where = self.ranges[name]
        assert isinstance(where, Range)
        return round(value) if whole(self.card, name, where) else where.short(float(value))


def _ends(where: Range) -> tuple[float, float]:
    return where.low, where.high
