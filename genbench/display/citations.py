"""What to cite for a run: BibTeX of genbench and of the papers behind the run.

The models, data and metrics of the run name these papers.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from genbench.analysis.run_data import RunData
from genbench.contracts.dataset import DATASETS, DatasetCard
from genbench.contracts.metric import METRICS, MetricCard
from genbench.contracts.model import MODELS, ModelCard
from genbench.core.cards import Card
from genbench.core.public_names import __version__
from genbench.core.recorded_plugins import discover_recorded
from genbench.display.inert_text import latex_comment
from genbench.runs.code import named_datasets

__all__ = ["Entry", "Reference", "bibliography", "cited_by", "cited_in", "entries", "references", "source_of"]

FILE = Path(__file__).with_name("references.bib")
OWN = "genbench"  # the key of genbench itself
AUTHORS_YEAR = re.compile(r"\s\(((?:19|20)\d\d[a-z]?)(?=[,)])")  # "et al. (2017, eq. 6)"


@dataclass(frozen=True)
class Entry:
    """An entry of the bibliography: its key, its BibTeX, and the words that refer to it."""

    key: str
    text: str
    cited: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    """The works to cite for one part of a run.

    Attributes:
        part: the part of the run, such as "model cfm".
        source: where the part comes from, in its author's words; "" if it does not say.
        found: the entries for that source.
        known: whether the plugin is loaded here, so that its source is known.
    """

    part: str
    source: str = ""
    found: tuple[Entry, ...] = ()
    known: bool = True

    def __str__(self) -> str:
        """Return it in a line: the part, and what to cite for it."""
        if not self.known:
            return f"{self.part}: not loaded here; if it is of a plugin, name its file with --plugin"
        keys = ", ".join(entry.key for entry in self.found)
        if self.source and not keys:
            return f"{self.part}: {self.source} (not in this bibliography)"
        return f"{self.part}: {keys or 'names no paper'}" + (f" ({self.source})" if self.source else "")


@cache
def entries() -> tuple[Entry, ...]:
    """Return the bibliography of genbench."""
    text = FILE.read_text(encoding="utf-8").replace("VERSION", __version__)
    found = []
    for part in re.findall(r"^@.*?^}$", text, re.DOTALL | re.MULTILINE):
        key = re.match(r"@\w+\{([^,]+),", part)
        cited = re.search(r"^  cited = \{(.*)\},\n", part, re.MULTILINE)
        assert key
        assert cited
        found.append(Entry(key[1], part.replace(cited[0], ""), tuple(cited[1].split("; "))))
    return tuple(found)


def cited_in(text: str) -> tuple[Entry, ...]:
    """Return the entries to which a text refers, in order.

    An example of a text is "Ho et al. 2020; Kingma & Welling 2014, eq. 3".
    """
    text = AUTHORS_YEAR.sub(r" \1", " ".join(text.replace("&", "and").split()))
    places = {}
    for entry in entries():
        starts = [found.start() for words in entry.cited for found in _found(words, text)]
        if starts:
            places[min(starts)] = entry
    return tuple(places[start] for start in sorted(places))


def _found(words: str, text: str) -> Iterable[re.Match[str]]:
    """Return where words stand in a text as whole words, and not as the last of two authors: "Box and Cox 1958"."""
    return re.finditer(rf"(?<![\w-])(?<![^\W\d]\sand\s){re.escape(words)}(?!\w)", text)


def source_of(card: Card) -> str:
    """Return where a model, dataset or metric comes from, as text.

    It is in its card or, for a metric, in its docstrings.
    """
    if isinstance(card, ModelCard):
        return card.paper
    if isinstance(card, DatasetCard):
        return card.source
    module = inspect.getmodule(inspect.unwrap(card.factory))
    docstrings = (inspect.getdoc(card.factory), module and inspect.getdoc(module))
    return " ".join(text for text in docstrings if text)


def cited_by(card: Card) -> tuple[Entry, ...]:
    """Return the entries to which a model, dataset or metric refers.

    Docstrings that name genbench do not cite it.
    """
    found = cited_in(source_of(card))
    return tuple(entry for entry in found if entry.key != OWN) if isinstance(card, MetricCard) else found


def references(run: RunData) -> list[Reference]:
    """Return what to cite for each model, dataset and metric with scores in a run.

    For plugins, only those that are loaded or trusted are included.
    """
    discover_recorded(tuple(dict.fromkeys(source for trial in run.trials for source in trial.spec.plugins)))
    specs = [trial.spec for trial in run.trials]
    datasets = [name for spec in specs for name in (spec.dataset_name, *(c.name for c in named_datasets(spec.params)))]
    asked = [name for spec in specs for name in spec.metrics]
    scored = {name for trial in run.trials for name, score in trial.metrics.items() if score is not None}
    return [
        *_of("model", [spec.model_name for spec in specs], MODELS.cards),
        *_of("dataset", datasets, DATASETS.cards),
        *_of("metric", [name for name in asked if name in scored], METRICS.cards),
    ]


def _of(group: str, names: Iterable[str], cards: Mapping[str, Card]) -> list[Reference]:
    found = []
    for name in dict.fromkeys(names):
        card = cards.get(name)
        source = source_of(card) if card else ""
        own = source if group != "metric" else ""  # a docstring is not a source
        cited = cited_by(card) if card else ()
        found.append(Reference(f"{group} {name}", own, cited, card is not None))
    return found


def bibliography(parts: Sequence[Reference], title: str = "") -> str:
    """Return BibTeX: comments say what is cited for what; each entry appears once, by key."""
    own = next(entry for entry in entries() if entry.key == OWN)
    found = {entry.key: entry for part in parts for entry in part.found} | {own.key: own}
    lines = [f"What to cite{f' for {title}' if title else ''}:", f"genbench {__version__}: {own.key}", *map(str, parts)]
    comments = [latex_comment(line.replace("@", "(at)")) for line in lines]  # @ would begin an entry
    return "\n\n".join(["\n".join(comments), *(found[key].text for key in sorted(found))]) + "\n"
