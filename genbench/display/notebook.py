"""Runs, leaderboards and datasets in a notebook: HTML in which every name is escaped."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Literal

from genbench.core.errors import GenbenchError
from genbench.display.table_view import BoardView, TableCell, TableView, board_view

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genbench.analysis.leaderboard import Leaderboard
    from genbench.analysis.run_data import RunData
    from genbench.analysis.scores import Verdict
    from genbench.contracts.dataset import Dataset, Splits
    from genbench.core.types import Array

__all__ = ["board_html", "dataset_html", "run_html"]

POINTS, SIDE, LINES = 1_500, 5, 12  # of the figure of a dataset: points, images along a side, series
DPI = 80
SHOWN = 20  # failures that are listed; the rest are counted
MARKS = {
    "best": "<b>{}</b>",
    "as good": "<i>{}</i> <small>=</small>",
    "open": "{} <span title='open: may be the best, may be worse' style='opacity:0.65'>?</span>",
    "worse": "{}",
    "": "{}",
}
SIGNS: Mapping[Verdict, str] = {
    "best": "Bold", "as good": "italics and =", "open": "?", "worse": "no mark:"
}  # fmt: skip


def run_html(run: RunData) -> str:
    """Return a run as HTML: name, request, ends of trials, leaderboard, failures."""
    asked = next(reversed(run.record.commands), "")
    counts = Counter(str(trial.status) for trial in run.trials)
    missing = len(run.record.trials) - len(run.trials)
    ended = [f"{n} {status}" for status, n in counts.items()] + ([f"{missing} not finished"] if missing else [])
    parts = [
        f"<p><b>{_text(run.name)}</b> in <code>{_text(run.path)}</code>: {_text(', '.join(ended) or 'no trials')}</p>",
        f"<p>asked last: <code>{_text(asked)}</code></p>" if asked else "",
        *(f"<p>{_text(problem)}</p>" for problem in run.problems),
    ]
    failed = [trial for trial in run.trials if trial.error]
    lines = [
        f"<li>{_text(t.model)} on {_text(t.dataset)}, seed {t.seed}: {_text(t.status)} {_text(t.error)}</li>"
        for t in failed[:SHOWN]
        if t.error
    ]
    if len(failed) > SHOWN:
        lines.append(f"<li>and {len(failed) - SHOWN} more</li>")
    failures = f"<details open><summary>{len(failed)} failed</summary><ul>{''.join(lines)}</ul></details>"
    return _box([*parts, *_tables(board_view(run.leaderboard(), "main")), failures if failed else ""])


def board_html(board: Leaderboard) -> str:
    """Return a leaderboard as HTML, with all metrics.

    It is otherwise as `genbench leaderboard` writes it to markdown.
    """
    return _box(_tables(board_view(board)))


def dataset_html(dataset: Dataset) -> str:
    """Return a dataset as HTML: facts about it, and a small figure.

    Nothing is downloaded: for data in files, only the facts are shown.
    """
    from genbench.contracts.dataset import SyntheticDataset

    facts = {"kind": dataset.kind, "shape of a point": str(dataset.shape)}
    figure = ""
    if getattr(dataset, "files", None):
        facts["splits"] = "in files, which .splits(seed) reads"
    else:
        try:
            splits = None if isinstance(dataset, SyntheticDataset) else dataset.splits(0)
            facts |= _measured(dataset, splits)
            shown = dataset.reference(POINTS, 0) if splits is None else splits.train
            figure = _inline(_figure(dataset, shown), f"points of {dataset.card.name}")
        except GenbenchError as error:
            facts["unavailable"] = str(error)
    rows = "".join(f"<tr><th style='text-align:left'>{_text(k)}</th><td>{_text(v)}</td></tr>" for k, v in facts.items())
    params = {name: vars(dataset)[name] for name in dataset.card.signature if name in vars(dataset)}
    given = f"[{', '.join(f'{name}={value}' for name, value in params.items())}]" if params else ""
    head = f"<p><b>{_text(dataset.card.name)}</b>{_text(given)}: {_text(dataset.card.summary)}</p>"
    return _box([head, f"<div style='display:flex;gap:1em;align-items:center'><table>{rows}</table>{figure}</div>"])


def _tables(view: BoardView) -> list[str]:
    """Return a table a dataset with its notes, and the legend."""
    parts = []
    for table in view.tables:
        notes = [*filter(None, (table.margin, *table.notes)), *(f"(!) {flag}" for flag in table.flags)]
        parts += [_table(table), f"<p>{_text(table.conclusion)}</p>" if table.conclusion else ""]
        parts += [f"<p>{'<br>'.join(map(_text, notes))}</p>"]
    return [*parts, f"<p>{'<br>'.join(map(_text, view.legend(SIGNS)))}</p>"]


def _table(view: TableView) -> str:
    failures: tuple[Literal["failures"], ...] = ("failures",) if any(row.failed for row in view.rows) else ()
    part = view.select("model", "seeds", "score", "verdict", "cost", *failures)
    lines = [f"<tr>{''.join(f'<th>{_text(column.label)}</th>' for column in part.columns)}</tr>"]
    for row in part.rows:
        name, *others = map(_cell, row.cells)
        flag = " (!)" if row.flagged else ""
        body = f"<th style='text-align:left'>{name}{flag}</th>" + "".join(f"<td>{cell}</td>" for cell in others)
        faint = " style='opacity:0.65'" if row.dimmed else ""
        lines.append(f"<tr{faint}>{body}</tr>")
    caption = f"<caption style='text-align:left'><b>{_text(view.title)}</b></caption>"
    table = f"{caption}<thead>{lines[0]}</thead><tbody>{''.join(lines[1:])}</tbody>"
    return f"<div style='overflow-x:auto'><table style='white-space:nowrap'>{table}</table></div>"


def _cell(cell: TableCell) -> str:
    """Return a cell: with the mark of its verdict, and the quotient in small letters."""
    ratio = f" <small>(×{_text(cell.ratio)})</small>" if cell.ratio else ""
    return MARKS[cell.mark].format(_text(cell.text)) + ratio


def _measured(dataset: Dataset, splits: Splits | None) -> dict[str, str]:
    """Return the entropy, the classes and the sizes of the splits, in words, as far as they are known."""
    from genbench.contracts.dataset import Sizes, SyntheticDataset

    facts = {}
    if isinstance(dataset, SyntheticDataset):
        try:
            facts["entropy"] = f"{dataset.entropy:.6g} nats"
        except NotImplementedError:
            facts["entropy"] = "not known"
    if dataset.classes:
        facts["classes"] = str(dataset.classes)
    sizes = vars(Sizes()).values() if splits is None else map(len, (splits.train, splits.validation, splits.test))
    which = " in a run, unless asked otherwise" if splits is None else ""
    return facts | {"train / validation / test": " / ".join(f"{n:,}" for n in sizes) + which}


def _figure(dataset: Dataset, x: Array) -> Figure:
    """Return a scatter plot of points or rows x [n, *shape], a grid of images, or lines of series."""
    from matplotlib.figure import Figure

    from genbench.plotting.image_grid import draw_mosaic, seen
    from genbench.plotting.projection import view_of
    from genbench.plotting.style import BLUE, INK, styled

    x = x[: POINTS if dataset.kind != "image" else SIDE**2]
    with styled():
        figure = Figure(figsize=(3.4, 2.4), dpi=DPI, layout="constrained")
        panel = figure.subplots()
        if dataset.kind == "image":
            draw_mosaic(panel, seen(x, dataset.levels, (float(x.min()), float(x.max()))), SIDE)
        elif dataset.kind == "series":
            panel.plot(x[:LINES].reshape(min(LINES, len(x)), -1).T, color=BLUE, alpha=0.5, lw=1)
            panel.set_xlabel("step")
        else:
            view = view_of(x)
            view.show(panel, x, INK, size=min(12.0, max(2.0, 1500 / len(x))))
            view.frame(panel)
            panel.set_xlabel(view.axes.removeprefix(", "))
    return figure


def _inline(figure: Figure, alt: str) -> str:
    """Return a figure as an image of HTML that holds its own data."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI)
    return f"<img alt='{_text(alt)}' src='data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}'>"


def _text(value: object) -> str:
    """Return a value as text of HTML, in content and in attributes."""
    return escape(str(value), quote=True)


def _box(parts: Iterable[str]) -> str:
    return f"<div>{''.join(part for part in parts if part)}</div>"
