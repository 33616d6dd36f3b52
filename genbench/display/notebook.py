"""How runs, leaderboards and datasets show themselves in a notebook: HTML in which every name is text."""

from __future__ import annotations

import base64
import io
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from genbench.analysis.scores import Cell
from genbench.core.errors import GenbenchError
from genbench.display import formatting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genbench.analysis.leaderboard import Leaderboard
    from genbench.analysis.run_data import RunData
    from genbench.analysis.scores import Row
    from genbench.contracts.dataset import Dataset, Splits
    from genbench.core.types import Array

__all__ = ["board_html", "dataset_html", "run_html"]

POINTS, SIDE, LINES = 1_500, 5, 12  # of the picture of a dataset: points, pictures along a side, series
DPI = 80
SHOWN = 20  # failures that are told; the rest are counted


def run_html(run: RunData) -> str:
    """Return a run as HTML: its name, what was asked, how its trials ended, its leaderboard, its failures."""
    asked = run.record.requests[-1].get("command", "") if run.record.requests else ""
    asked = asked if isinstance(asked, str) else shlex.join(map(str, asked))
    counts = Counter(str(trial.status) for trial in run.trials)
    missing = len(run.record.trials) - len(run.trials)
    ended = [f"{n} {status}" for status, n in counts.items()] + ([f"{missing} not finished"] if missing else [])
    parts = [
        f"<p><b>{_text(run.name)}</b> in <code>{_text(run.path)}</code>: {_text(', '.join(ended) or 'no trials')}</p>",
        f"<p>asked last: <code>{_text(asked)}</code></p>" if asked else "",
        *(f"<p>{_text(problem)}</p>" for problem in run.problems),
    ]
    board = run.leaderboard()
    failed = [trial for trial in run.trials if trial.error]
    lines = [
        f"<li>{_text(t.model)} on {_text(t.dataset)}, seed {t.seed}: {_text(t.status)} in {_text(t.error.phase)}: "
        f"{_text(t.error.message)}</li>"
        for t in failed[:SHOWN]
        if t.error
    ]
    if len(failed) > SHOWN:
        lines.append(f"<li>and {len(failed) - SHOWN} more</li>")
    told = (
        [f"<details open><summary>{len(failed)} failed</summary><ul>{''.join(lines)}</ul></details>"] if failed else []
    )
    return _box([*parts, *_tables(board, main=True), *told])


def board_html(board: Leaderboard) -> str:
    """Return a leaderboard as HTML, as `genbench leaderboard` writes it to markdown, with all metrics."""
    return _box(_tables(board, main=False))


def dataset_html(dataset: Dataset) -> str:
    """Return a dataset as HTML: what is known of it, and a small picture.

    Nothing is downloaded: of data that live in files of their own, only the facts are shown.
    """
    from genbench.contracts.dataset import SyntheticDataset

    facts = {"kind": dataset.kind, "shape of a point": str(dataset.shape)}
    picture = ""
    if dataset.files:
        facts["splits"] = "in files, which .splits(seed) reads"
    else:
        try:
            splits = None if isinstance(dataset, SyntheticDataset) else dataset.splits(0)
            facts |= _measured(dataset, splits)
            shown = dataset.reference(POINTS, 0) if splits is None else splits.train
            picture = _inline(_picture(dataset, shown), f"points of {dataset.card.name}")
        except GenbenchError as error:
            facts["not to be had"] = str(error)
    rows = "".join(f"<tr><th style='text-align:left'>{_text(k)}</th><td>{_text(v)}</td></tr>" for k, v in facts.items())
    params = {name: vars(dataset)[name] for name in dataset.card.signature if name in vars(dataset)}
    given = f"[{', '.join(f'{name}={value}' for name, value in params.items())}]" if params else ""
    head = f"<p><b>{_text(dataset.card.name)}</b>{_text(given)}: {_text(dataset.card.summary)}</p>"
    return _box([head, f"<div style='display:flex;gap:1em;align-items:center'><table>{rows}</table>{picture}</div>"])


def _tables(board: Leaderboard, main: bool) -> list[str]:
    """Return a table a dataset with its notes, and the legend; `main` for the metrics that a terminal shows."""
    from genbench.display.export import sections

    parts = []
    for place, rows, every in sections(board):
        metrics = formatting.main_metrics(rows, board.metrics) if main else every
        parts.append(_table(place, rows, metrics))
        notes = [formatting.resolution_line(board, place, metrics)]
        notes += formatting.components_lines(board, place, metrics)
        notes += ["(!) " + flag for row in rows for flag in formatting.flag_lines(row)]
        parts += [f"<p>{'<br>'.join(_text(note) for note in notes if note)}</p>"]
    legend = formatting.legend(board).replace("* best model; = a tie", "Bold: best model; italics: a tie")
    return [*parts, f"<p>{_text(legend).replace(chr(10), '<br>')}</p>"]


def _table(place: str, rows: Sequence[Row], metrics: Sequence[str]) -> str:
    failures = any(row.failed for row in rows)
    head = ["model", "seeds", *map(formatting.label, metrics), *formatting.COSTS.values(), *["failures"] * failures]
    lines = [f"<tr>{''.join(f'<th>{_text(name)}</th>' for name in head)}</tr>"]
    for row in rows:
        cells = [_text(row.model + (" (!)" if row.flags else "")), formatting.seeds(row)]
        cells += [_score(row, name) for name in metrics]
        cells += [formatting.amount(row.cost[name]) for name in formatting.COSTS]
        if failures:
            cells.append(_text(", ".join(f"{n} {status}" for status, n in row.statuses.items() if status != "ok")))
        name, *others = cells
        body = f"<th style='text-align:left'>{name}</th>" + "".join(f"<td>{cell}</td>" for cell in others)
        faint = "" if row.role == "model" else " style='opacity:0.65'"
        lines.append(f"<tr{faint}>{body}</tr>")
    caption = f"<caption style='text-align:left'><b>{_text(place)}</b></caption>"
    table = f"{caption}<thead>{lines[0]}</thead><tbody>{''.join(lines[1:])}</tbody>"
    return f"<div style='overflow-x:auto'><table style='white-space:nowrap'>{table}</table></div>"


def _score(row: Row, name: str) -> str:
    """Return a cell with its interval, and the quotient by the oracle's score: bold if best, in italics if tied."""
    cell: Cell | None = row.metrics.get(name)
    text = _text(formatting.value(row, name, cell))
    ratio = f" <small>(×{_text(formatting.quotient(cell))})</small>" if formatting.quotient(cell) else ""
    tag = "" if cell is None or not cell.best else "i" if cell.tie else "b"
    return (f"<{tag}>{text}</{tag}>" if tag else text) + ratio


def _measured(dataset: Dataset, splits: Splits | None) -> dict[str, str]:
    """Return the entropy, the classes and the sizes of the splits, in words, as far as there are any."""
    from genbench.contracts.dataset import Sizes

    facts = {}
    if splits is None:
        try:
            facts["entropy"] = f"{dataset.entropy:.6g} nats"  # type: ignore[attr-defined]
        except NotImplementedError:
            facts["entropy"] = "not known"
        sizes, which = list(vars(Sizes()).values()), " in a run, unless asked otherwise"
    else:
        sizes, which = [len(splits.train), len(splits.validation), len(splits.test)], ""
    if dataset.classes:
        facts["classes"] = str(dataset.classes)
    counts = " / ".join(f"{n:,}" for n in sizes)
    return facts | {"train / validation / test": counts + which}


def _picture(dataset: Dataset, x: Array) -> Figure:
    """Return a scatter plot of points or rows x [n, *shape], a mosaic of pictures, or lines of series."""
    from matplotlib.figure import Figure

    from genbench.plotting.image_grid import draw_mosaic, seen
    from genbench.plotting.projection import Plane
    from genbench.plotting.style import BLUE, CAPTION, INK, styled

    x = x[: POINTS if dataset.kind != "image" else SIDE**2]
    with styled():
        figure = Figure(figsize=(3.4, 2.4), dpi=DPI, layout="constrained")
        panel = figure.subplots()
        if dataset.kind == "image":
            draw_mosaic(panel, seen(x, dataset.levels, (float(x.min()), float(x.max()))), SIDE)
        elif dataset.kind == "series":
            panel.plot(x[:LINES].reshape(min(LINES, len(x)), -1).T, color=BLUE, alpha=0.5, lw=1)
            panel.set_xlabel("step", fontsize=CAPTION)
        else:
            plane = Plane.of(x)
            plane.show(panel, x, INK, size=min(12.0, max(2.0, 1500 / len(x))))
            plane.frame(panel)
            panel.set_xlabel(plane.axes.removeprefix(", "), fontsize=CAPTION)
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
