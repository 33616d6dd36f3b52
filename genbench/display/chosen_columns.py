"""The columns of a table: those asked for by name, or the most useful ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Row
from genbench.contracts.metric import CHEAP, METRICS
from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.registry import WHOLE, UnknownName
from genbench.core.selection import parse_list
from genbench.display.formatting import main_metrics

__all__ = ["FACTS", "Chosen", "asked_columns", "by_first", "named_columns"]

Chosen = Literal["main", "scored"] | Sequence[str]
# Columns that are no metric, by the names that they have in a table's view.
FACTS = (
    "worse_by", "seeds", "train_seconds", "compute", "samples_per_second", "parameters", "nfe", "failures", "family",
    "log-likelihood",
)  # fmt: skip


def named_columns(board: Leaderboard, text: str) -> Chosen:
    """Return the columns of a text: "main", "all", or names separated by commas.

    The names are those of metrics and of `FACTS`.

    Raises:
        GenbenchError: there is no such column.
    """
    if text == "main":
        return "main"
    if text == "all":
        return "scored"
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise GenbenchError("the list of columns is empty; give names, main or all")
    for name in names:
        if name not in (*board.metrics, *FACTS):
            raise GenbenchError(f"no metric '{shown(name)}' in this run{nearest(name, [*board.metrics, *FACTS])}")
    return list(dict.fromkeys(names))


def asked_columns(board: Leaderboard, rows: Sequence[Row], by: str | None = None) -> list[str]:
    """Return the metrics that get a column in a table with some rows.

    They are the metrics that the run was asked for by name, in that order, and by family. If the run was asked for all
    metrics, or for none, they are the main ones. The metric that the table is sorted `by` is the first.
    """
    main = main_metrics(rows, board.metrics)
    here = [name for name in board.metrics if any(name in row.metrics for row in rows)]
    chosen: dict[str, None] = {}
    parts = _parts(board.asked_metrics)
    for part in parts:
        if part in (*WHOLE, CHEAP):
            chosen |= dict.fromkeys(main)
        elif part in here:
            chosen[part] = None
        else:
            members = set(_family(part))
            chosen |= dict.fromkeys(name for name in main_metrics(rows, here, whole=True) if name in members)
    in_their_order = any(part not in (*WHOLE, CHEAP) for part in parts)
    return list(chosen) if chosen and in_their_order else by_first(chosen or main, by)


def by_first(names: Iterable[str], by: str | None) -> list[str]:
    """Return names with the one by which a table is sorted in the first place."""
    return list(dict.fromkeys([*([by] if by else []), *names]))


def _parts(selection: str) -> list[str]:
    """Return the names of a selection; none of one that cannot be read, as a stranger's may be."""
    try:
        return [part.name for part in parse_list(selection)] if selection else []
    except GenbenchError:
        return []


def _family(name: str) -> list[str]:
    try:
        return [one.name for one in METRICS.select(name)]
    except UnknownName:
        return []
