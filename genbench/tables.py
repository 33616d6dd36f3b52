"""Showing a leaderboard: on a terminal, and as csv, markdown, LaTeX or JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from genbench.errors import GenbenchError, nearest
from genbench.leaderboard import Cell, Leaderboard, Row
from genbench.registry import REGISTRY

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["FORMATS", "main_metrics", "render", "show"]

COSTS = {"train_seconds": "train s", "samples_per_second": "samples/s", "parameters": "parameters", "nfe": "NFE"}
MARKS = {"exact": "", "estimate": "≈ ", "bound": "≤ ", "none": ""}


def render(board: Leaderboard, form: str) -> str:
    """Return the leaderboard as text in one of the `FORMATS`.

    Raises:
        GenbenchError: the format is unknown.
    """
    if form not in FORMATS:
        raise GenbenchError(f"no format '{form}'{nearest(form, list(FORMATS))}")
    return FORMATS[form](board)


def show(board: Leaderboard, columns: str = "main") -> None:
    """Print the leaderboard on the terminal: per dataset, scores with intervals, then what they cost."""
    from rich.console import Console

    console = Console(width=None if Console().is_terminal else 160, highlight=False)
    for dataset in dict.fromkeys(row.dataset for row in board.rows):
        rows = [row for row in board.rows if row.dataset == dataset]
        console.print(_scores(dataset, rows, _pick(board, rows, columns), board.sort))
        console.print(_costs(dataset, rows))
    console.print(_legend(board), style="dim")
    for row in board.rows:
        for flag in row.flags:
            console.print(f"! {row.model} on {row.dataset}, {flag}", style="yellow")


def main_metrics(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """Return the metrics that are worth a column: those that some row has, the first few by their order."""
    scored = [name for name in metrics if any(row.metrics.get(name) for row in rows)]
    cards = REGISTRY["metrics"].cards
    return [n for n in scored if n not in cards or cards[n].order < 50 or "modes" in cards[n].needs] or scored


def _pick(board: Leaderboard, rows: Sequence[Row], columns: str) -> list[str]:
    if columns == "main":
        return main_metrics(rows, board.metrics)
    names = board.metrics if columns == "all" else [name.strip() for name in columns.split(",") if name.strip()]
    for name in names:
        if name not in board.metrics:
            raise GenbenchError(f"no metric '{name}' in this run{nearest(name, board.metrics)}")
    return list(names)


def _scores(dataset: str, rows: Sequence[Row], metrics: Sequence[str], sort: str | None) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=f"{escape(dataset)}: scores, mean ± half-width of the 95 % interval over seeds", title_justify="left"
    )
    table.add_column("model", no_wrap=True)
    table.add_column("seeds", justify="right", no_wrap=True)
    for name in metrics:
        arrow = " ▲" if name == sort else ""
        table.add_column(_label(name) + arrow, justify="right", no_wrap=True)
        if _has_ratio(rows, name):
            table.add_column("× oracle", justify="right", no_wrap=True, style="dim")
    for row in rows:
        cells = [escape(row.model), _seeds(row)]
        for name in metrics:
            cell = row.metrics.get(name)
            text = _value(row, name, cell)
            cells.append(f"[bold]{text} *[/bold]" if cell and cell.best else f"{text}  ")
            if _has_ratio(rows, name):
                cells.append(f"{cell.ratio:.2f}" if cell and cell.ratio is not None else "")
        table.add_row(*cells, style="dim" if row.role != "model" else None)
    return table


def _costs(dataset: str, rows: Sequence[Row]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{escape(dataset)}: cost", title_justify="left")
    for heading, justify in (("model", "left"), ("family", "left"), ("log-likelihood", "left")):
        table.add_column(heading, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for heading in COSTS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("failures", no_wrap=True)
    for row in rows:
        failures = ", ".join(f"{n} {status}" for status, n in row.statuses.items() if status != "ok")
        costs = [_amount(row.cost[name]) for name in COSTS]
        table.add_row(
            escape(row.model),
            escape(row.family),
            row.likelihood,
            *costs,
            failures,
            style="dim" if row.role != "model" else None,
        )
    return table


def _legend(board: Leaderboard) -> str:
    lines = [f"Sorted by {board.sort} (▲)." if board.sort else ""]
    lines.append(
        "* best model, or not to be told apart from it (paired t-test over seeds, 5 %); controls do not compete."
    )
    if any(row.likelihood in ("bound", "estimate") for row in board.rows):
        lines.append(
            "Likelihoods: ≤ an upper bound of the NLL, ≈ an estimate, else exact; each kind is ranked among its own."
        )
    if max((row.seeds for row in board.rows), default=0) < 2:
        lines.append("One seed: no intervals, and nothing is marked as best; use --seeds 3 or more.")
    return "\n".join(line for line in lines if line)


def _csv(board: Leaderboard) -> str:
    return str(board.frame().to_csv(index=False))


def _json(board: Leaderboard) -> str:
    return json.dumps(board.records(), indent=1, allow_nan=False) + "\n"


def _markdown(board: Leaderboard) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    parts = []
    for dataset, rows, metrics in _sections(board):
        head = ["model", "seeds", *map(_label, metrics), *COSTS.values()]
        lines = [f"### {dataset}", "", line(head), line(["---"] + ["---:"] * (len(head) - 1))]
        for row in rows:
            cells = [row.model, _seeds(row)]
            for name in metrics:
                cell = row.metrics.get(name)
                text = _value(row, name, cell)
                text = f"**{text}**" if cell and cell.best else text
                cells.append(f"{text} (×{cell.ratio:.2f})" if cell and cell.ratio is not None else text)
            lines.append(line([*cells, *(_amount(row.cost[name]) for name in COSTS)]))
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, _legend(board).replace("* best", "**Bold**: best").replace("\n", "  \n")]) + "\n"


def _latex(board: Leaderboard) -> str:
    parts = []
    for dataset, rows, metrics in _sections(board):
        lines = [f"% {dataset}", rf"\begin{{tabular}}{{l{'r' * len(metrics)}}}", r"\toprule"]
        lines.append(" & ".join(["model", *(_escape_latex(_label(name)) for name in metrics)]) + r" \\")
        lines.append(r"\midrule")
        for row in rows:
            cells = [_escape_latex(row.model)]
            for name in metrics:
                cell = row.metrics.get(name)
                text = _escape_latex(_value(row, name, cell))
                cells.append(rf"\textbf{{{text}}}" if cell and cell.best else text)
            lines.append(" & ".join(cells) + r" \\")
        parts.append("\n".join([*lines, r"\bottomrule", r"\end{tabular}"]))
    return "\n\n".join(parts) + "\n"


def _sections(board: Leaderboard) -> list[tuple[str, list[Row], list[str]]]:
    """Return each dataset with its rows and the metrics that any of them has."""
    sections = []
    for dataset in dict.fromkeys(row.dataset for row in board.rows):
        rows = [row for row in board.rows if row.dataset == dataset]
        sections.append((dataset, rows, [name for name in board.metrics if any(row.metrics.get(name) for row in rows)]))
    return sections


def _escape_latex(text: str) -> str:
    signs = {
        "_": r"\_",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "±": r"$\pm$",
        "≤": r"$\leq$",
        "≈": r"$\approx$",
        "₂": "$_2$",
        "²": "$^2$",
        "−": "$-$",
        "–": "--",
    }
    return "".join(signs.get(letter, letter) for letter in text)


def _has_ratio(rows: Sequence[Row], name: str) -> bool:
    """Whether a metric gets a column of quotients: distances do, shares speak for themselves."""
    card = REGISTRY["metrics"].cards.get(name)
    if card and card.higher_is_better:
        return False
    return any(cell.ratio is not None for row in rows if (cell := row.metrics.get(name)))


def _label(name: str) -> str:
    card = REGISTRY["metrics"].cards.get(name)
    return str(card.label) if card else name


def _value(row: Row, name: str, cell: Cell | None) -> str:
    """Return a cell as text, with as many digits as its interval lets one believe."""
    if cell is None:
        return "–"
    card = REGISTRY["metrics"].cards.get(name)
    mark = MARKS[row.likelihood] if card and card.by_likelihood else ""
    half = (cell.high - cell.low) / 2 if cell.low is not None and cell.high is not None else None
    scale = half or abs(cell.mean) / 10
    digits = min(6, max(0, 1 - math.floor(math.log10(scale)))) if scale > 0 else 0
    return f"{mark}{cell.mean:.{digits}f}" + (f" ± {half:.{digits}f}" if half else "")


def _seeds(row: Row) -> str:
    return f"{row.seeds}/{row.seeds + row.failed}" if row.failed else str(row.seeds)


def _amount(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2g}" if value < 1 else f"{value:.1f}"


FORMATS: dict[str, Callable[[Leaderboard], str]] = {"csv": _csv, "md": _markdown, "tex": _latex, "json": _json}
