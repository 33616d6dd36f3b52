"""Binding of a selection's parameters to a plugin's constructor.

Each error names the parameter, its type and the reason.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

from genbench.core.cards import Card
from genbench.core.errors import GenbenchError, GenbenchWarning, nearest, shown
from genbench.core.library_patches import taken_back
from genbench.core.plugin_loading import in_use
from genbench.core.process_state import put_back
from genbench.core.selection import as_text

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

__all__ = ["bind", "create", "defaults", "hints", "takes"]

NOUNS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "dict": "a mapping",
}
RANGES = {"greater_than_equal": "at least", "greater_than": "above", "less_than_equal": "at most", "less_than": "below"}
SIGNS = {"greater_than_equal": "not be negative", "greater_than": "be positive"}  # for a bound of 0


def defaults(card: Card, data: tuple[str, tuple[int, ...]] | None = None) -> dict[str, Any]:
    """Return the parameters of a plugin and their default values.

    They are in the order of its constructor; those that the engine adds come last.

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
    """Return all parameters of a plugin, with the given ones converted to their types.

    An annotation may also limit the values: `Annotated[int, Ge(1)]`, `Literal["a", "b"]`, or a name from
    `genbench.core.types`. A search range, such as `LogRange(1e-4, 1e-2)`, limits nothing.

    Args:
        given: values by name.
        data: kind and shape of the data, for the model's presets.

    Raises:
        GenbenchError: a parameter is unknown, missing, not of its type, or out of range.
    """
    from pydantic import ValidationError

    known = defaults(card, data)
    types, texts = hints(card), getattr(given, "texts", {})
    bound = dict(known)
    for name, value in given.items():
        if name not in known:
            raise GenbenchError(f"{card.name} has no parameter '{shown(name)}'{nearest(name, list(known))}")
        try:
            bound[name] = _converted(value, types[name], texts.get(name)) if name in types else value
        except ValidationError as error:
            hint = f"; the default is {_written(known[name])}" if known[name] is not inspect.Parameter.empty else ""
            raise GenbenchError(f"{card.name}[{name}={shown(_written(value))}]: {_reason(name, error)}{hint}") from None
    missing = [name for name, value in bound.items() if value is inspect.Parameter.empty]
    if missing:
        raise GenbenchError(f"{card.name} needs a value for '{missing[0]}'; write {card.name}[{missing[0]}=…]")
    return bound


def takes(card: Card, name: str, value: Any, text: str | None = None) -> bool:
    """Return whether a parameter accepts a value, by its annotation.

    Without an annotation, a list is refused where the default is a single number or text.

    Args:
        text: the text that was written for the value, if known.
    """
    from pydantic import ValidationError

    known = defaults(card)
    if name not in known:
        return not isinstance(value, list)
    try:
        types = hints(card)
    except (NameError, TypeError, AttributeError):  # `bind` says what is wrong
        return True
    if name not in types:
        usual = known[name]
        return not isinstance(value, list) or not isinstance(usual, bool | int | float | str)
    try:
        _converted(value, types[name], text)
    except ValidationError:
        return False
    return True


def create(card: Card, params: Mapping[str, Any]) -> Any:
    """Create a plugin from bound parameters.

    For a torch model, parameters of its recipe are set too.

    Settings of the process that the constructor of a user's plugin changes are restored.

    Raises:
        GenbenchError: the constructor refuses a value.
    """
    if card.built_in:
        return _create(card, params)
    with in_use([card.plugin]), taken_back() as patches, put_back() as changed:
        try:
            plugin = _create(card, params)
        except SystemExit as error:
            raise GenbenchError(
                f"the constructor of {card.name} calls sys.exit: {error.code}; it must return"
            ) from None
    if changed := [*changed, *map(str, patches)]:
        text = f"the constructor of {card.name} changed {', '.join(changed)}; it was put back"
        warnings.warn(text, GenbenchWarning, stacklevel=2)
    return plugin


def _create(card: Card, params: Mapping[str, Any]) -> Any:
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


def hints(card: Card) -> dict[str, Any]:
    """Return the annotations of a plugin's parameters, including a torch model's recipe.

    Raises:
        NameError, TypeError, AttributeError: an annotation cannot be evaluated.
    """
    takes = card.factory.__init__ if inspect.isclass(card.factory) else card.factory
    own = get_type_hints(takes, include_extras=True)
    recipe = getattr(card.factory, "recipe", None)
    return (get_type_hints(type(recipe), include_extras=True) if recipe is not None else {}) | own


def _converted(value: Any, hint: Any, text: str | None) -> Any:
    """Return a value as its annotation asks; a text parameter takes what was written, such as 2024, 1e5 or true."""
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(hint)
    try:
        return adapter.validate_python(value)
    except ValidationError:
        if text is None:
            raise
        written = as_text(text)
        with contextlib.suppress(ValidationError):
            return adapter.validate_python(written)
        raise


def _written(value: object) -> str:
    return "none" if value is None else str(value)


def _reason(name: str, error: ValidationError) -> str:
    """Return what the value of a parameter must be, in one sentence.

    Of the members of a union, those count that the value came nearest to: first whose list it is in, then whose type it
    has.
    """
    errors = error.errors()
    places = [[place for place in e["loc"] if isinstance(place, int)] for e in errors]
    deepest = max(places, key=len)
    errors = [e for e, place in zip(errors, places, strict=True) if len(place) == len(deepest)]
    if any(not _of_type(e) and e["type"] != "literal_error" for e in errors):
        errors = [e for e in errors if not _of_type(e)]
    demands = list(dict.fromkeys(map(_demand, errors)))
    subject = name + "".join(f"[{place}]" for place in deepest)
    return f"{subject} must {demands[0]}" + "".join(f", or {demand.removeprefix('be ')}" for demand in demands[1:])


def _of_type(error: ErrorDetails) -> str | None:
    """Return the noun of the type that the value lacks, or None where it has the type."""
    return NOUNS.get(error["type"].removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float"))


def _demand(error: ErrorDetails) -> str:
    """Return what must be true of the value, for one of pydantic's errors."""
    kind, bound = error["type"], next(iter(error.get("ctx", {}).values()), None)
    if noun := _of_type(error):
        return f"be {noun}"
    if kind in RANGES:
        return SIGNS[kind] if kind in SIGNS and bound == 0 else f"be {RANGES[kind]} {bound}"
    if kind == "literal_error":
        choices = str(bound).replace("'", "").replace(" or ", ", ")
        return f"be one of {choices}" if "," in choices else f"be {choices}"
    return "be finite" if "finite" in error["msg"] else error["msg"].removeprefix("Input should ")
