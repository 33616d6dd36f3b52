"""Binding a selection's parameters to a plugin's constructor, with the type and the reason in every error."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from genbench.core.errors import GenbenchError, nearest
from genbench.core.registry import Card

__all__ = ["bind", "create", "defaults"]


def defaults(card: Card, data: tuple[str, tuple[int, ...]] | None = None) -> dict[str, Any]:
    """Return the parameters of a plugin and their defaults, in the order of its constructor; engine-owned ones last.

    Args:
        data: kind and shape of the data, for the model's presets.
    """
    own = {name: p.default for name, p in card.signature.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    known = own | _recipe(card)
    for preset in getattr(card.factory, "presets", ()):
        if data and preset.suits(*data):
            known |= preset.use
    return known


def bind(card: Card, given: Mapping[str, Any], data: tuple[str, tuple[int, ...]] | None = None) -> dict[str, Any]:
    """Return all parameters of a plugin with the given ones put in, converted to their declared types.

    Args:
        given: values by name.
        data: kind and shape of the data, for the model's presets.

    Raises:
        GenbenchError: a parameter is unknown, missing, or not of its type.
    """
    from pydantic import TypeAdapter, ValidationError

    known = defaults(card, data)
    hints = _hints(card)
    bound = dict(known)
    for name, value in given.items():
        if name not in known:
            raise GenbenchError(f"{card.name} has no parameter '{name}'{nearest(name, list(known))}")
        try:
            bound[name] = TypeAdapter(hints[name]).validate_python(value) if name in hints else value
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise GenbenchError(f"{card.name}[{name}={value}]: {reason}; the default is {known[name]}") from None
    missing = [name for name, value in bound.items() if value is inspect.Parameter.empty]
    if missing:
        raise GenbenchError(f"{card.name} needs a value for '{missing[0]}'; write {card.name}[{missing[0]}=…]")
    return bound


def create(card: Card, params: Mapping[str, Any]) -> Any:
    """Create a plugin from bound parameters; for a torch model, overrides of its recipe are put in place.

    Raises:
        GenbenchError: the constructor refuses a value.
    """
    recipe = {name: params[name] for name in _recipe(card) if name in params}
    try:
        plugin = card.factory(**{name: value for name, value in params.items() if name not in recipe})
        if recipe:
            plugin.recipe = type(plugin.recipe)(**recipe)
    except ValueError as error:
        raise GenbenchError(f"{card.name} refuses its parameters: {error}") from None
    return plugin


def _recipe(card: Card) -> dict[str, Any]:
    """Return the fields of a torch model's recipe that its constructor does not take itself."""
    recipe = getattr(card.factory, "recipe", None)
    if recipe is None:
        return {}
    return {name: value for name, value in vars(recipe).items() if name not in card.signature}


def _hints(card: Card) -> dict[str, Any]:
    hints = get_type_hints(card.factory.__init__ if inspect.isclass(card.factory) else card.factory)
    recipe = getattr(card.factory, "recipe", None)
    return (get_type_hints(type(recipe)) if recipe is not None else {}) | hints
