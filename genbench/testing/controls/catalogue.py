"""The catalogue of negative controls, with the check that must catch each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from genbench.core.cards import Card

__all__ = ["Control", "control", "controls", "right_twins", "twin"]


@dataclass(frozen=True)
class Control:
    """A plugin with a fault.

    Attributes:
        card: the card of the plugin.
        caught_by: the name of the check that must fail.
        words: words that the finding must contain.
        fast: whether `genbench check --fast` catches it. If not, only checks that train for seconds do.
    """

    card: Card
    caught_by: str
    words: str
    fast: bool = True


_CONTROLS: dict[str, Control] = {}
_TWINS: dict[str, Card] = {}


def control(make: Callable[..., Card], caught_by: str, words: str, fast: bool = True) -> Callable[[Any], Any]:
    """Register a class or function as a control, with its name and its docstring's summary.

    Args:
        make: makes a card from a name and a factory.
    """

    def wrap(factory: Any) -> Any:
        name = factory.__name__ if factory.__name__.islower() else _snake(factory.__name__)
        card = make(name, factory)
        _CONTROLS[name] = Control(card, caught_by, words, fast)
        if isinstance(factory, type):
            factory.card = card  # type: ignore[attr-defined]
        return factory

    return wrap


def twin(make: Callable[..., Card]) -> Callable[[Any], Any]:
    """Register a class or function as a correct twin, which passes every check."""

    def wrap(factory: Any) -> Any:
        name = factory.__name__ if factory.__name__.islower() else _snake(factory.__name__)
        _TWINS[name] = card = make(name, factory)
        if isinstance(factory, type):
            factory.card = card  # type: ignore[attr-defined]
        return factory

    return wrap


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def controls() -> dict[str, Control]:
    """Return the controls by name."""
    _import()
    return dict(_CONTROLS)


def right_twins() -> dict[str, Card]:
    """Return the correct twins of the controls, by name."""
    _import()
    return dict(_TWINS)


def _import() -> None:
    """Import the modules that have them, which enter them; torch is imported here and not before."""
    from importlib import import_module

    for module in ("arrays", "networks", "tutorials", "data_and_metrics"):
        import_module(f"genbench.testing.controls.{module}")
