"""What the registry knows about a model, a dataset or a metric, as Markdown."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from unicodedata import normalize

from genbench.analysis.blind_spots import MEASURED, is_blind
from genbench.contracts.dataset import Dataset, DatasetCard
from genbench.contracts.metric import MetricCard
from genbench.contracts.model import ModelCard
from genbench.core.cards import Card
from genbench.display.citations import Entry, cited_by
from genbench.display.numbers import brief
from genbench.downstream.capabilities import capabilities

__all__ = ["dataset_page", "metric_page", "model_page", "parts_of", "plain", "reference"]

SAMPLES = 50_000  # of the budgets quick and standard
CODE = re.compile(r"(`[^`]*`)")
ACCENTS = {"'": "\u0301", '"': "\u0308", "`": "\u0300", "^": "\u0302", "~": "\u0303"}  # that combine with a letter
ARGUMENT = re.compile(r"^(\w+(?:, \w+)*): (.*)$")
NEEDS = {
    "density": "the model's density", "score": "the gradient of the model's log-density", "train": "training points",
    "shares": "the model's density and samples", "truth": "fresh draws of the truth", "levels": "grey levels",
    "true_density": "the true density", "true_score": "the gradient of the true log-density",
    "modes": "known modes", "labels": "labels", "pictures": "images", "codes": "a model that encodes",
}  # fmt: skip


def plain(text: str) -> str:
    """Return text in which Markdown reads nothing but `code`, and indented equations."""
    parts = CODE.split(text)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_\[\]<>$|#])", r"\\\1", part) for part in parts)


def parts_of(card: Card) -> tuple[str, dict[str, str]]:
    """Return what a card's docstring says before its arguments, and what it or a base class says of each argument."""
    factory = inspect.unwrap(card.factory)
    text = inspect.getdoc(factory) or ""
    own = _arguments(text)
    told = {name for names in own for name in names.split(", ")}
    for base in getattr(factory, "__mro__", ())[1:]:
        for names, meaning in _arguments(inspect.cleandoc(base.__doc__ or "")).items():
            if missing := [name for name in names.split(", ") if name not in told and name in card.signature]:
                own[", ".join(missing)] = meaning
                told |= set(missing)
    return re.split(r"\n(?:Args|Raises|Returns):\n", text)[0].strip(), own


def _arguments(text: str) -> dict[str, str]:
    """Return what the section "Args" of a docstring says of each argument, or of several in one entry."""
    section = re.split(r"\n\w+:\n", text.partition("\nArgs:\n")[2])[0]
    said: dict[str, str] = {}
    for line in inspect.cleandoc(section).splitlines():
        if found := ARGUMENT.match(line):
            said[found[1]] = found[2]
        elif said and line.strip():
            said[[*said][-1]] += f" {line.strip()}"
    return said


def reference(entry: Entry) -> str:
    """Return a work as a line: its authors, year and title."""
    fields = {key: _unicode(text) for key, text in re.findall(r"^  (\w+) = \{(.*)\},$", entry.text, re.M)}
    names = [name.split(", ")[0] for name in fields.get("author", "").split(" and ")]
    who = names[0] + " et al." if len(names) > 3 else ", ".join(names)
    link = f", [doi:{fields['doi']}](https://doi.org/{fields['doi']})" if "doi" in fields else ""
    return f"{plain(who)} ({fields.get('year', '')}), *{plain(fields.get('title', entry.key))}*{link}"


def _unicode(text: str) -> str:
    """Return BibTeX as it is read: with accents on letters, and without braces."""
    accented = re.sub(r"\{\\(.)(\w)\}", lambda found: normalize("NFC", found[2] + ACCENTS[found[1]]), text)
    return re.sub(r"[{}]", "", accented)


def dataset_page(card: DatasetCard, made: Dataset | None) -> str:
    """Return the section of a dataset; `made` has its default parameters, None where it needs a file of the user."""
    facts = {"kind": {"points": "points in space"}.get(card.kind, card.kind), "tests": card.tests}
    if made is not None and hasattr(made, "shape"):
        facts["shape of a sample"] = " × ".join(map(str, made.shape))
        facts["density"] = "exact" if made.has_density else "unknown"
        facts["entropy"] = _entropy(made)
        facts["modes"] = str(len(made.modes)) if made.modes is not None else ""
        facts["grey levels"] = str(made.levels or "")
    if card.variant:
        facts["in `--data all`"] = "no: it needs a file, a download, another library, or data given in Python"
    return _section(card, facts | {"source": plain(card.source)})


def metric_page(card: MetricCard) -> str:
    """Return the section of a metric: what it is, which direction is better, and which faults it sees."""
    facts = {
        "better": "higher" if card.higher_is_better else "lower",
        "unit": card.unit,
        "needs": ", ".join(NEEDS.get(need, need) for need in sorted(card.needs)),
        "task": card.task,
        "computed": "only where it is named" if card.variant else "not in `cheap`" if card.costly else "",
        "sees a wrong dependence": sight(card.name),
        "reference": "; ".join(map(reference, cited_by(card))),
    }
    return _section(card, facts)


def sight(metric: str) -> str:
    """Say in which dimensions a metric sees the fault of the committed measurement; "" of what was not measured."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))["measured"][str(SAMPLES)]
    said = []
    for dim, scores in measured.items():
        if metric in scores:
            times = f", {brief(scores[metric]['times'])} × the truth's score" if "times" in scores[metric] else ""
            answer = "no" if is_blind(metric, int(dim), SAMPLES) else "yes"
            said.append(f"{answer} in {dim} dimensions ({brief(scores[metric]['deviations'])} deviations{times})")
    return "; ".join(said)


def model_page(card: ModelCard) -> str:
    """Return the section of a model: its facts, its settings, and the papers that it follows."""
    able = {what: how for what, how in capabilities(card).items() if how}
    facts = {
        "likelihood": card.likelihood,
        "data": ", ".join(card.kinds),
        "can": ", ".join(what if how == "yes" else f"{what} ({how})" for what, how in able.items()),
        "in `--models all`": "no: a variant; name it, or ask for `zoo`" if card.variant else "",
        "papers": "; ".join(map(reference, cited_by(card))) or plain(card.paper),
    }
    return _section(card, facts)


def _entropy(made: Dataset) -> str:
    try:
        return f"{brief(float(made.entropy), 4)} nats"  # type: ignore[attr-defined]
    except (NotImplementedError, AttributeError):
        return "unknown"


def _section(card: Card, facts: dict[str, str]) -> str:
    """Return a heading, the text of a docstring, facts as a list of fields, and a table of parameters."""
    text, said = parts_of(card)
    lines = [f"### {card.name}", "", _paragraphs(text), ""]
    lines += [f":{name}: {fact}" for name, fact in facts.items() if fact]
    parameters = () if isinstance(card, MetricCard) else _parameters(card, said)
    return "\n".join([*lines, *parameters, ""])


def _paragraphs(text: str) -> str:
    """Return a docstring's paragraphs: indented ones as they are, as code, the others as plain text."""
    return "\n\n".join(part if part.startswith("    ") else plain(part) for part in text.split("\n\n"))


def _parameters(card: Card, said: dict[str, str]) -> Iterator[str]:
    """Yield parameters and their defaults: as one more field, or as a table where a docstring tells what they mean.

    Those that it tells together share a row.
    """
    told = {name for names in said for name in names.split(", ")}
    rest = {name: "" for name in card.signature if name not in told}
    if not said and rest:
        yield f":parameters: {', '.join(f'`{name}={_default(card, name)}`' for name in rest)}"
    elif said:
        yield from ("", "| parameter | default | meaning |", "| :-- | :-- | :-- |")
        for names, meaning in (said | rest).items():
            known = [name for name in names.split(", ") if name in card.signature]
            cells = (", ".join(f"`{text}`" for text in each) for each in (known, [_default(card, n) for n in known]))
            yield f"| {' | '.join(cells)} | {plain(meaning)} |"


def _default(card: Card, name: str) -> str:
    """Return a default as it is typed on the command line."""
    value = card.signature[name].default
    if value is inspect.Parameter.empty:
        return "required"
    return "auto" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
