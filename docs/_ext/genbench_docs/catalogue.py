"""Directives that list models, datasets and metrics from the registry while the pages are built."""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from genbench.api import load_dataset
from genbench.contracts.dataset import DATASETS, Dataset, DatasetCard
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.libraries import library_of
from genbench.core.registry import discover
from genbench_docs.cards import dataset_page, metric_page, model_page, plain

__all__ = ["family_text", "models_table", "setup"]


def family_text(group: str, names: list[str]) -> str:
    """Return the sections of families, or of single models, of "models", "datasets" or "metrics".

    Raises:
        ValueError: a name is neither a family nor a card of the group.
    """
    discover(installed=False)
    cards: dict[str, Any] = {"models": MODELS, "datasets": DATASETS, "metrics": METRICS}[group].cards
    chosen = {name: [card for card in cards.values() if name in (card.family, card.name)] for name in names}
    if unknown := [name for name, found in chosen.items() if not found]:
        raise ValueError(f"no {group} of the family or name {', '.join(unknown)}")
    found = [card for of_name in chosen.values() for card in of_name if card.built_in]
    return "\n".join(_page(group, card) for card in found)


def _page(group: str, card: Any) -> str:
    if group == "datasets":
        return dataset_page(card, _made(card))
    return model_page(card) if group == "models" else metric_page(card)


def _made(card: DatasetCard) -> Dataset | None:
    """Return a dataset with its defaults; None where it needs a file, a download or another library."""
    return None if card.variant else load_dataset(card.name)


def models_table() -> str:
    """Return a table of all models: family, likelihood, data, and what each is."""
    discover(installed=False)
    cards = sorted((card for card in MODELS.cards.values() if card.built_in), key=lambda card: (card.family, card.name))
    lines = ["| model | family | likelihood | data | what it is |", "| --- | --- | --- | --- | --- |"]
    for card in cards:
        name = f"`{card.name}`" + (" †" if library_of(card) else " ‡" if card.variant else "")
        cells = (name, card.family, card.likelihood, ", ".join(card.kinds), plain(card.summary))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


class Catalogue(SphinxDirective):
    """`{catalogue} datasets` with families or names in its content, one a line."""

    has_content: ClassVar[bool] = True
    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        group = self.arguments[0]
        names = [line.strip() for line in self.content if line.strip()]
        try:
            text = family_text(group, names) if names else models_table()
        except ValueError as error:
            raise self.error(str(error)) from error
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> None:
    """Register the directive `catalogue`."""
    app.add_directive("catalogue", Catalogue)
