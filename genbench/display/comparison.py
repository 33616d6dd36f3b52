"""Display of a comparison: on a terminal, and as csv, markdown or JSON."""

from __future__ import annotations

import math
from collections.abc import Callable

from rich.markup import escape
from rich.table import Table

from genbench.analysis.comparison import ComparedScore, Comparison
from genbench.analysis.scores import card_of
from genbench.analysis.verdicts import EQUIVALENT, USUAL_MARGIN
from genbench.core.errors import GenbenchError, nearest
from genbench.core.strict_json import strict_json
from genbench.display.export import markdown_table
from genbench.display.inert_text import csv_text, markdown_text
from genbench.display.numbers import brief, decimals, with_error
from genbench.display.rich_tables import console, empty_table

__all__ = ["FORMATS", "differences", "render", "show", "summary"]

COLOURS = {"better": "blue", "worse": "bold red", "as good": "", "open": "dim"}
LEFT = ("model", "metric", "verdict on B", "why")
HEADINGS = ("model", "metric", "seeds", "A", "B", "B − A or B / A", "interval", "p", "verdict on B", "why")
USUAL = (
    f"\n{100 * USUAL_MARGIN:.0f} % is the usual margin of comparisons by pairs, in which seeds cancel, so that small "
    "differences can be shown. A leaderboard takes the metric's resolution, at most "
    f"{100 * (EQUIVALENT - 1):.0f} %. --margin sets either."
)


def render(comparison: Comparison, form: str) -> str:
    """Return the rows as text in one of the `FORMATS`.

    Raises:
        GenbenchError: the format is unknown.
    """
    if form not in FORMATS:
        raise GenbenchError(f"no format '{form}'{nearest(form, list(FORMATS))}")
    return FORMATS[form](comparison)


def show(comparison: Comparison) -> None:
    """Print a comparison on the terminal: what differs in the runs, then the scores.

    The scores are in a table for each dataset.
    """
    out = console()
    for line in differences(comparison):
        out.print(line, markup=False)
    for dataset, rows in _by_dataset(comparison).items():
        out.print(_table(dataset, rows))
    out.print(_legend(comparison), style="dim", markup=False)
    out.print(summary(comparison))


def differences(comparison: Comparison) -> list[str]:
    """Return the differences between A and B other than scores, one line for each."""
    lines = [f"A: {comparison.a}", f"B: {comparison.b}"]
    parts = {
        "environment": comparison.environment,
        "code": [f"{module} changed ({where})" for module, where in comparison.changed_code.items()],
        "settings": comparison.parameters,
        "left out": comparison.left_out,
    }
    for name, words in parts.items():
        lines += [f"{name}: {word}" for word in words]
    return lines


def summary(comparison: Comparison) -> str:
    """Return the number of rows with each verdict, in one line."""
    counts = {word: sum(row.verdict == word for row in comparison.rows) for word in COLOURS}
    return f"{len(comparison.rows)} rows: " + ", ".join(f"{n} {word}" for word, n in counts.items())


def _by_dataset(comparison: Comparison) -> dict[str, list[ComparedScore]]:
    names = dict.fromkeys(row.dataset for row in comparison.rows)
    return {name: [row for row in comparison.rows if row.dataset == name] for name in names}


def _table(dataset: str, rows: list[ComparedScore]) -> Table:
    table = empty_table(HEADINGS, title=dataset, left=LEFT, wrapped=("why",), keys=2)
    for row in rows:
        *cells, verdict, why = map(escape, _cells(row))
        colour = COLOURS[row.verdict]
        table.add_row(*cells, f"[{colour}]{verdict}[/]" if colour else verdict, why)
    return table


def _cells(row: ComparedScore) -> list[str]:
    """Return a row as text, under HEADINGS, with as many digits as the interval supports."""
    model = row.model if row.model == row.against else f"{row.against} → {row.model}"
    half = (row.high - row.low) / 2 if row.high is not None and row.low is not None else None
    finite = [abs(number) for number in (row.difference, row.mean_a, row.mean_b) if number and math.isfinite(number)]
    if half is not None and row.scale == "quotient":  # a share of the scores
        half *= row.mean_a or 0.0
    scale = half or next(iter(finite), 0.0) / 10
    powers = "e" in with_error(max(finite, default=0.0), scale)
    digits = decimals(scale) if scale > 0 else 3

    def text(value: float | None, sign: str = "") -> str:
        if value is None:
            return "–"
        if powers or not math.isfinite(value):
            return (sign if value >= 0 else "") + brief(value)
        return f"{value:{sign}.{digits}f}"

    change, *ends = text(row.difference, "+"), text(row.low, "+"), text(row.high, "+")
    if row.quotient is not None:
        change, *ends = (f"× {_quotient(x)}" for x in (row.quotient, row.low, row.high))
    interval = f"{ends[0]} … {ends[1]}" if half is not None else "–"
    p = "–" if row.p_adjusted is None else "< 0.001" if row.p_adjusted < 0.001 else f"{row.p_adjusted:.3f}"
    why = "; ".join(part for part in (row.reason, *row.failures) if part)
    means = [text(row.mean_a), text(row.mean_b), change, interval]
    return [model, card_of(row.metric).label, str(row.seeds), *means, p, row.verdict, why]


def _quotient(x: float | None) -> str:
    return "–" if x is None else f"{x:.2f}" if 0.1 <= x < 100 else brief(x)


def _legend(comparison: Comparison) -> str:
    tested = [row for row in comparison.rows if row.p is not None]
    if not tested:
        return "No difference could be tested; the last column says why."
    metrics = [row.metric for row in tested]
    most = max(metrics.count(name) for name in set(metrics))
    how = "paired by seed" + ("" if all(row.paired for row in tested) else ", or unpaired where no seed is common")
    level = f"{100 * (1 - comparison.alpha):g} %"
    quotients = {row.margin for row in tested if row.scale == "quotient" and row.margin is not None}
    usual = USUAL if quotients == {1 + USUAL_MARGIN} else ""
    within = f"the margin ({100 * (quotients.pop() - 1):.3g} % of quotients)" if quotients else "the margin"
    return (
        f"Comparisons are {how}. All intervals of a metric (here up to {most}) hold together with {level}; p is "
        "adjusted alike.\n"
        f"Better, worse: the interval excludes equality. As good: it lies within {within}. "
        f"Open: neither; more seeds decide.{usual}"
    )


def _csv(comparison: Comparison) -> str:
    import pandas as pd

    frame = pd.DataFrame(comparison.records())
    return csv_text(frame.assign(**{name: frame[name].map("; ".join) for name in ("failures", "notes")}))


def _markdown(comparison: Comparison) -> str:
    parts = ["\n".join(f"- {markdown_text(text)}" for text in differences(comparison))]
    for dataset, rows in _by_dataset(comparison).items():
        cells = [[markdown_text(cell) for cell in _cells(row)] for row in rows]
        table = markdown_table(HEADINGS, cells, numbers=False)
        parts.append("\n".join([f"### {markdown_text(dataset)}", "", *table]))
    return "\n\n".join([*parts, _legend(comparison).replace("\n", "  \n"), summary(comparison)]) + "\n"


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "csv": _csv,
    "md": _markdown,
    "json": lambda comparison: strict_json(comparison.records()) + "\n",
}
