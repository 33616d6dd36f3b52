"""A leaderboard in files: csv, markdown, LaTeX, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import Overall, overall
from genbench.analysis.scores import Cell, Row
from genbench.core.errors import GenbenchError, nearest
from genbench.display import formatting

__all__ = ["FORMATS", "render", "sections"]


def render(board: Leaderboard, form: str) -> str:
    """Return the leaderboard as text in one of the `FORMATS`.

    Raises:
        GenbenchError: the format is unknown.
    """
    if form not in FORMATS:
        raise GenbenchError(f"no format '{form}'{nearest(form, list(FORMATS))}")
    return FORMATS[form](board)


def _csv(board: Leaderboard) -> str:
    return str(board.frame().to_csv(index=False))


def _json(board: Leaderboard) -> str:
    return json.dumps(board.records(), indent=1, allow_nan=False) + "\n"


def _markdown(board: Leaderboard) -> str:
    """Best in bold, ties in italics; flags and what the seeds can resolve below each table."""
    parts = []
    for dataset, rows, metrics in sections(board):
        head = ["model", "seeds", *map(formatting.label, metrics), *formatting.COSTS.values()]
        lines = [f"### {dataset}", "", _line(head), _line(["---"] + ["---:"] * (len(head) - 1))]
        for row in rows:
            cells = [row.model + (" (!)" if row.flags else ""), formatting.seeds(row)]
            for name in metrics:
                cell = row.metrics.get(name)
                text = _marked(formatting.value(row, name, cell), cell, "**{}**", "*{}*")
                cells.append(text + (f" (×{ratio})" if (ratio := formatting.quotient(cell)) else ""))
            lines.append(_line([*cells, *(formatting.amount(row.cost[name]) for name in formatting.COSTS)]))
        notes = [formatting.resolution_line(board, dataset, metrics)]
        notes += formatting.components_lines(board, dataset, metrics)
        notes += ["(!) " + flag for row in rows for flag in formatting.flag_lines(row)]
        parts.append("\n".join([*lines, "", *(f"{note}  " for note in notes if note)]).rstrip())
    parts += [_overall(one) for one in overall(board)]
    legend = formatting.legend(board).replace("* best model; = a tie", "**Bold**: best model; *italics*: a tie")
    return "\n\n".join([*parts, legend.replace("\n", "  \n")]) + "\n"


def _overall(one: Overall) -> str:
    kind = f", {one.likelihood} likelihoods" if one.likelihood else ""
    head = ["model", f"IQM of {formatting.label(one.metric)}, {one.unit}", "average rank", "beats a run of the leader"]
    lines = [f"### {len(one.datasets)} datasets{kind}", "", _line(head), _line(["---"] + ["---:"] * 3)]
    for standing in one.standings:
        better = f"{100 * standing.improvement.value:.0f} %" if standing.improvement else "–"
        lines.append(_line([standing.model, formatting.estimate(standing.iqm), f"{standing.rank:.2f}", better]))
    return "\n".join([*lines, "", formatting.rank_line(one)])


def _latex(board: Leaderboard) -> str:
    """Booktabs; best in bold, ties underlined."""
    parts = []
    for dataset, rows, metrics in sections(board):
        lines = [f"% {dataset}", rf"\begin{{tabular}}{{l{'r' * len(metrics)}}}", r"\toprule"]
        lines.append(" & ".join(["model", *(_escape_latex(formatting.label(name)) for name in metrics)]) + r" \\")
        lines.append(r"\midrule")
        for row in rows:
            cells = [_escape_latex(row.model) + ("$^{!}$" if row.flags else "")]
            for name in metrics:
                text = _escape_latex(formatting.value(row, name, cell := row.metrics.get(name)))
                cells.append(_marked(text, cell, r"\textbf{{{}}}", r"\underline{{{}}}"))
            lines.append(" & ".join(cells) + r" \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
        lines += ["% ! " + flag for row in rows for flag in formatting.flag_lines(row)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _marked(text: str, cell: Cell | None, best: str, tie: str) -> str:
    """Return a cell's text as the best, as a tie with the best, or as it is."""
    if cell is None or not cell.best:
        return text
    return (tie if cell.tie else best).format(text)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def sections(board: Leaderboard) -> list[tuple[str, list[Row], list[str]]]:
    """Return each dataset with its rows and the metrics that any of them has."""
    found = []
    for dataset in dict.fromkeys(row.place for row in board.rows):
        rows = [row for row in board.rows if row.place == dataset]
        found.append((dataset, rows, [name for name in board.metrics if any(row.metrics.get(name) for row in rows)]))
    return found


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


FORMATS: dict[str, Callable[[Leaderboard], str]] = {"csv": _csv, "md": _markdown, "tex": _latex, "json": _json}
