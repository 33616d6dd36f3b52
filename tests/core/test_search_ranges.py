"""Ranges of hyper-parameters: what they hold, how they are written, where they are declared."""

from collections.abc import Mapping
from typing import Annotated, Literal

import pytest

from genbench import Choices, LogRange, Range, Recipe
from genbench.core.cards import Card
from genbench.core.errors import ContractError
from genbench.core.parameters import bind
from genbench.core.search_ranges import declared_ranges, whole
from genbench.core.types import Count


class Model:
    recipe = Recipe()

    def __init__(
        self,
        width: Annotated[Count, LogRange(16, 256)] = 64,
        rate: Annotated[float, Range(0, 1)] = 0.5,
        maybe: Annotated[float, Range(1, 2)] | None = None,
        way: Annotated[Literal["a", "b", "c"], Choices("a", "b")] = "a",
        rates: Mapping[str, float] | float = 1.0,
        plain: int = 3,
    ):
        pass


CARD = Card("m", "f", Model)


def test_ranges_are_found_in_annotations_and_in_the_recipe():
    assert {name: str(where) for name, where in declared_ranges(CARD).items()} == {
        "lr": "0.0001..0.03:log", "width": "16..256:log", "rate": "0..1", "maybe": "1..2", "way": "a|b",
    }  # fmt: skip


def test_a_range_forbids_nothing_but_the_type_does():
    assert bind(CARD, {"width": 1000, "way": "c", "rate": 7})["width"] == 1000
    with pytest.raises(Exception, match="width must be at least 1"):
        bind(CARD, {"width": 0})


@pytest.mark.parametrize(("name", "is_whole"), [("width", True), ("rate", False), ("plain", True), ("lr", False)])
def test_numbers_are_whole_where_a_parameter_takes_no_others(name, is_whole):
    assert whole(CARD, name, Range(0, 1)) == is_whole
    assert not whole(CARD, name, Range(0.5, 3))


@pytest.mark.parametrize(
    ("where", "value", "short"),
    [
        (LogRange(1e-4, 1e-2), 0.00312746, 0.00313), (LogRange(1e-4, 1e-2), 1.00001e-4, 1e-4),
        (Range(0, 10), 3.14159265, 3.14), (Range(0.99, 0.9999), 0.99512345, 0.99512), (Range(-5, 5), 5.0, 5.0),
    ],
)  # fmt: skip
def test_numbers_have_as_many_digits_as_their_range_needs(where, value, short):
    assert where.short(value) == pytest.approx(short, abs=1e-15)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Range(1, 1),
        lambda: Range(2, 1),
        lambda: LogRange(0, 1),
        lambda: Range(0, float("inf")),
        lambda: Choices(1, 1),
    ],
)
def test_an_empty_range_is_refused(wrong):
    with pytest.raises(ContractError):
        wrong()
