"""Search ranges of hyper-parameters, for `genbench tune`.

An example in a constructor: `lr: Annotated[float, LogRange(1e-4, 1e-2)] = 2e-3`.

A range does not limit the values that a user may give. `genbench list models NAME` shows it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from genbench.core.cards import Card
from genbench.core.errors import ContractError
from genbench.core.parameters import defaults, hints, takes
from genbench.core.selection import Selection

__all__ = ["Choices", "LogRange", "Range", "SearchRange", "declared_ranges", "whole"]

DIGITS = 200  # by hand: parts of a range within which two values are the same, so that numbers stay short


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included, all equally likely.

    They are whole numbers where the parameter takes only these.

    Raises:
        ContractError: the ends are not finite numbers in rising order.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = all(isinstance(end, int | float) and math.isfinite(end) for end in (self.low, self.high))
        if not numbers or not self.low < self.high:
            raise ContractError(f"the range {self} is empty; its ends are finite numbers, the lower one first")

    @property
    def logarithmic(self) -> bool:
        """Whether the range is searched by factors, not by differences."""
        return isinstance(self, LogRange)

    def short(self, value: float) -> float:
        """Return a number of the range, rounded to as few digits as its scale needs.

        >>> LogRange(1e-4, 1e-2).short(0.0031274658), Range(0.99, 0.9999).short(0.99512345)
        (0.00313, 0.99512)
        """
        width = value * math.log(self.high / self.low) if self.logarithmic else self.high - self.low
        digits = -math.floor(math.log10(width / DIGITS))
        return min(max(round(value, digits), self.low), self.high)

    def __str__(self) -> str:
        """Return the range as `--space` takes it."""
        return f"{self.low}..{self.high}"


@dataclass(frozen=True)
class LogRange(Range):
    """Numbers from `low` to `high`, both included, on a logarithmic scale.

    1e-4 to 1e-3 is as likely as 1e-3 to 1e-2.

    Raises:
        ContractError: the ends are not above 0 in rising order.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise ContractError(f"the logarithmic range {self} starts at 0 or below; start it above 0, or use Range")

    def __str__(self) -> str:
        """Return the range as `--space` takes it."""
        return f"{super().__str__()}:log"


@dataclass(frozen=True, init=False)
class Choices:
    """A choice among values without an order: `Choices("adamw", "soap")`.

    Raises:
        ContractError: there are fewer than two values.
    """

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        distinct = [value for i, value in enumerate(values) if value not in values[:i]]
        if len(distinct) < 2:
            raise ContractError(f"the choices {values} leave nothing to search; give two values or more")
        object.__setattr__(self, "values", tuple(distinct))

    def __str__(self) -> str:
        """Return the choices as `--space` takes them."""
        written = (str(Selection("x", {"v": value})) for value in self.values)
        return "|".join(text.removeprefix("x[v=").removesuffix("]") for text in written)


SearchRange = Range | Choices


def declared_ranges(card: Card) -> dict[str, SearchRange]:
    """Return the search ranges of a plugin's parameters, including a torch model's recipe."""
    return {name: found for name, hint in hints(card).items() for found in _within(hint) if name in defaults(card)}


def _within(hint: Any) -> Iterator[SearchRange]:
    """Yield the ranges that an annotation holds, the inner ones first: of two, the outer one counts."""
    for part in get_args(hint):
        yield from [part] if isinstance(part, Range | Choices) else _within(part)


def whole(card: Card, name: str, where: Range) -> bool:
    """Whether a parameter is searched in whole numbers.

    It is if both ends are whole, and its type is int, or it has no annotation and a whole number as default.

    >>> from genbench.core.cards import Card
    >>> def model(depth: int = 2, width=64, rate: float = 1): ...
    >>> [whole(Card("x", "y", model), name, Range(1, 8)) for name in ("depth", "width", "rate")]
    [True, True, False]
    """
    if not all(float(end).is_integer() for end in (where.low, where.high)):
        return False
    if name in hints(card):
        return not takes(card, name, math.floor(where.low) + 0.5)
    usual = defaults(card).get(name)
    return isinstance(usual, int) and not isinstance(usual, bool)
