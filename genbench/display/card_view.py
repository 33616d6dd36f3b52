"""All about one model, dataset or metric: facts, docstring, parameters, papers to cite."""

from __future__ import annotations

import inspect
import re
from typing import Any

from genbench.contracts.model import ModelCard
from genbench.core.libraries import library_of
from genbench.core.registry import REGISTRY
from genbench.display.catalogue import FACTS, fact_of, preset_words, range_words
from genbench.display.citations import cited_by, source_of
from genbench.display.rich_tables import console
from genbench.downstream.capabilities import capabilities

__all__ = ["card_lines", "print_card"]

MORE = {"models": ("role", "tasks"), "datasets": ("reads",), "metrics": ("task", "by_likelihood", "costly")}


def print_card(group: str, name: str) -> None:
    """Print one plugin of a group.

    Raises:
        GenbenchError: no plugin has that name.
    """
    console().print("\n".join(card_lines(group, name)), markup=False)


def card_lines(group: str, name: str) -> list[str]:
    """Return all about one plugin, line by line.

    These are its name and family, facts, docstring, parameters and papers.

    Raises:
        GenbenchError: no plugin has that name.
    """
    card = REGISTRY[group][name]
    facts = {fact: fact_of(card, fact) for fact in (*FACTS[group], *MORE[group])}
    facts |= {"family": card.family, "variant": fact_of(card, "variant")}
    if isinstance(card, ModelCard):
        facts["can"] = ", ".join(f"{what} ({how})" for what, how in capabilities(card).items() if how)
    facts["library"] = str(library_of(card) or "")
    source = "" if group == "metrics" else source_of(card)
    facts |= {"paper" if group == "models" else "source": source}
    facts["cite"] = ", ".join(entry.key for entry in cited_by(card))
    facts["registered in"] = card.place
    lines = [f"{card.name}, a {REGISTRY[group].singular}", ""]
    lines += [f"  {fact + ':':15}{value}" for fact, value in facts.items() if value not in ("", "False")]
    text = inspect.getdoc(inspect.unwrap(card.factory)) or ""
    lines += ["", *(f"  {line}".rstrip() for line in text.splitlines())] if text else []
    parameters = [] if group == "metrics" else _parameters(card)
    lines += ["", "  Parameters:", *(f"    {each}" for each in parameters)] if parameters else []
    lines += [f"  {line[0].upper()}{line[1:]}" for line in range_words(card)]
    presets = [preset_words(each) for each in getattr(card.factory, "presets", ())]
    return lines + (["", "  Defaults by data:", *(f"    {each}" for each in presets)] if presets else [])


def _parameters(card: Any) -> list[str]:
    """Return each parameter as it is declared: its name, type and default."""
    return [_declared(one) for one in card.signature.values()]


def _declared(one: inspect.Parameter) -> str:
    known = inspect.formatannotation(one.annotation) if one.annotation is not one.empty else ""
    known = re.sub(r"(?:typing\.)?Annotated\[(.*?), .*\]", r"\1", known)  # ranges have a line of their own
    kind = f": {known.strip(chr(39))}" if known else ""  # an annotation that is a text has quotes
    return f"{one.name}{kind}" + (f" = {one.default!r}" if one.default is not one.empty else "")
