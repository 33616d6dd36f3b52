"""Titles of panels: names, scores and numbers of points, in lines that fit a panel."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from textwrap import wrap

from matplotlib.axes import Axes

from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of
from genbench.display.numbers import brief
from genbench.plotting.style import current_style
from genbench.storage.records import TrialRecord

__all__ = ["USED", "head", "number_of", "order_of", "room", "score_line", "seed_of", "with_unit"]

USED = 0.74  # share of a panel's width for lines above it, as letters of names are wider than those of words; by hand


def room(panel: Axes, role: str = "axes.titlesize") -> int:
    """Return how many characters of a text role fit in a line above a panel."""
    grid = panel.get_gridspec()
    assert grid is not None
    return current_style().letters(USED * panel.figure.bbox.width / panel.figure.dpi / grid.ncols, role)


def head(panel: Axes, *lines: str) -> None:
    """Write lines above a panel. Wide lines are broken, and empty ones are left out."""
    panel.set_title("\n".join(part for line in lines for part in wrap(line, room(panel), break_long_words=False)))


def number_of(counts: Collection[int]) -> str:
    """Return the number of points in panels as text: "4,000", "20 to 30", or "no"."""
    return " to ".join(f"{n:,}" for n in dict.fromkeys([min(counts), max(counts)])) if counts else "no"


def score_line(run: RunData, trial: TrialRecord, metric: str | None = None) -> str:
    """Return the score of a model as text: its mean over seeds, then the shown seed's.

    By default, it is the metric by which the leaderboard is sorted. The score of the seed is added if it differs. The
    text is "" if there is no score.
    """
    board = run.whole.leaderboard()
    name = metric or board.sorted_by(trial.place)
    row = next((row for row in board.rows if (row.place, row.model) == (trial.place, trial.model)), None)
    cell = row.metrics.get(name) if row and name else None
    if cell is None or name is None:
        return ""
    mean, own = brief(cell.mean), trial.metrics.get(name)
    line = f"{card_of(name).label} {mean}"
    if own is None or brief(own) == mean:
        return line
    return f"{line} (seed\N{NO-BREAK SPACE}{trial.seed}:\N{NO-BREAK SPACE}{brief(own)})"


def seed_of(trials: Iterable[TrialRecord]) -> str:
    """Return which seed of each model a figure shows, as text."""
    seeds = {trial.seed for trial in trials}
    return f"seed {seeds.pop()}" if len(seeds) == 1 else "the first seed that did not fail"


def order_of(run: RunData, place: str) -> str:
    """Return the order of the panels of a table, as text for a title.

    An example is "ordered by sliced W2 (data units), …".
    """
    name = run.whole.leaderboard().sorted_by(place)
    if not name:
        return "in the order of the leaderboard"
    return f"ordered by {with_unit(name)}, the mean over seeds"


def with_unit(metric: str) -> str:
    """Return the label of a metric with its unit: "KL (nats)"."""
    card = card_of(metric)
    return card.label + (f" ({card.unit})" if card.unit else "")
