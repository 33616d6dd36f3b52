"""Lists of the registered plugins."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from genbench.contracts.model import ModelCard
from genbench.contracts.recipe import Preset
from genbench.core.libraries import library_of
from genbench.core.parameters import defaults
from genbench.core.registry import REGISTRY
from genbench.core.search_ranges import declared_ranges
from genbench.display.card_filter import Filter
from genbench.display.rich_tables import console, empty_table

__all__ = [
    "FACTS",
    "fact_of",
    "parameter_words",
    "preset_words",
    "print_capabilities",
    "print_catalogue",
    "range_words",
]

# What is shown of each card; `fact_of` has those that are no attributes.
FACTS = {"models": ("likelihood", "kinds"), "datasets": ("kind", "tests"), "metrics": ("better", "unit", "needs")}


def print_catalogue(name: str, chosen: Filter = Filter()) -> None:
    """Print the plugins of a group by family, then those that could not be imported.

    Each has its name, facts, parameters and summary.
    """
    group, out = REGISTRY[name], console()
    cards = chosen.of(name)
    headings = (group.singular, "family", *FACTS[name], "what it is")
    table = empty_table(headings, left=headings, wrapped=("what it is",), lines=False)
    for card in cards:
        parameters = "" if name == "metrics" else parameter_words(card)
        facts = [fact_of(card, fact) for fact in FACTS[name]]
        library = library_of(card)
        lines = [
            f"by {library}" if library else "",
            parameters,
            *range_words(card, own=True),
            *map(preset_words, getattr(card.factory, "presets", ())),
        ]
        what = "\n".join([escape(card.summary), *(f"[dim]{escape(line)}[/dim]" for line in lines if line)])
        mark = " †" if library else " *" if card.variant else ""
        table.add_row(escape(card.name + mark), escape(card.family), *facts, what)
    out.print(table)
    if name == "models":
        out.print(
            "[dim]* a variant: left out of --models all; name it or its family, or ask for the zoo.\n"
            "† of another library: left out of all and of the zoo; name it or its family.\n"
            "Torch models also take the trainer's parameters: batch_size, lr, warmup, clip, ema, …[/dim]"
        )
    if name == "datasets":
        out.print("[dim]* needs a file, a download or another library, and is left out of --data all; name it.[/dim]")
    for suite in () if chosen.narrows else group.suites.values():
        out.print(
            f"{escape(suite.name)}, a suite: {escape(suite.summary)}\n[dim]{escape(', '.join(suite.parts))}[/dim]"
        )
    for failure in group.failures:
        out.print(f"failed to import: {escape(failure.source)}: {escape(failure.reason)}", style="red")


def print_capabilities(chosen: Filter = Filter()) -> None:
    """Print what each model can do, by family. It follows from its methods and its card."""
    from genbench.core.types import KINDS
    from genbench.downstream.capabilities import CAPABILITIES, capabilities

    headings, out = ("model", "family", *CAPABILITIES, *KINDS), console(176)
    table = empty_table(headings, left=headings, lines=False)
    for card in chosen.of("models"):
        able = capabilities(card)
        kinds = ["yes" if kind in card.kinds else "–" for kind in KINDS]
        table.add_row(escape(card.name), escape(card.family), *(able[name] or "–" for name in CAPABILITIES), *kinds)
    out.print(table)
    out.print(
        "[dim]shows, of the flow from noise to data: the way of its samples, its velocity field, and data as noisy as "
        "it learns from.\n"
        "imputes: exact, by the model's own conditional (of an autoregressive one, where the known coordinates "
        "come first);\nguided, by the known ones on the way from noise to data; by importance resampling of its own "
        "samples, or by the nearest of them.[/dim]"
    )


def parameter_words(card: Any) -> str:
    """Return the parameters of a card with their defaults."""
    known = {key: value for key, value in defaults(card).items() if key in card.signature}
    return ", ".join(f"{key}={value}" if value is not None else f"{key}=auto" for key, value in known.items())


def range_words(card: Any, own: bool = False) -> list[str]:
    """Return where `genbench tune` searches a model, in one line; [] if it has no ranges.

    Args:
        own: whether only parameters of the constructor count, not those of the trainer.
    """
    if not isinstance(card, ModelCard) or card.role != "model":
        return []
    try:
        every = declared_ranges(card)
    except (NameError, TypeError, AttributeError):  # of a user's, which a run would say
        return []
    ranges = {name: where for name, where in every.items() if name in card.signature or not own}
    return [f"searched by tune: {', '.join(f'{name}={where}' for name, where in ranges.items())}"] if ranges else []


def preset_words(preset: Preset) -> str:
    """Return for which data a preset is, and what it sets, as text."""
    least, most = preset.dims
    dims = f"{least} to {most} dimensions" if most else f"from {least} dimensions" if least > 1 else ""
    where = ", ".join(part for part in (" or ".join(preset.kinds), dims) if part)
    return f"{where}: " + ", ".join(f"{name}={value}" for name, value in preset.use.items() if name != "step_ms")


def fact_of(card: Any, name: str) -> str:
    """Return a fact about a card as text; for `better`, the direction of a metric."""
    if name == "better":
        return "higher" if card.higher_is_better else "lower"
    value = getattr(card, name)
    return ", ".join(sorted(value)) if isinstance(value, tuple | frozenset) else str(value)
