"""Scores with their intervals, one panel per metric, marked by verdict as in leaderboards."""

from __future__ import annotations

from functools import partial

import pandas as pd
from matplotlib.axes import Axes

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row, card_of
from genbench.figures.shared.intervals import draw_intervals
from genbench.figures.shared.panels import by_table
from genbench.figures.shared.score_panels import (
    Extent,
    extent_of,
    frame_panel,
    ranked_metrics,
    score_frame,
    score_panels,
    within,
)
from genbench.plotting.canvas import DataFigure
from genbench.plotting.style import BLUE, FAINT, current_style

__all__ = ["draw"]

SHAPES = {"exact": "o", "bound": "<", "estimate": "D", "none": "o"}  # a bound on the NLL points to lower values
SIZE = 0.72  # of a mark, as a share of the font size
SEEDS = "mean over seeds and its 95 % interval"
ALONE = "the score of a single seed ± two standard errors, without the spread between training runs"
KINDS = "Do not compare kinds of likelihood: circle exact, diamond (≈) estimate, triangle (≤) upper bound."
MARKS = (
    "Filled: leads (*) or is as good within the margin (=). Half-filled (?): open, may be the best, may be worse. "
    "Hollow: worse. Pale: not compared. Grey: controls, which are not ranked."
)
PALE = "#c4dcec"  # BLUE with much white, for models that are compared with none
FACES = {"best": BLUE, "as good": BLUE, "open": BLUE, "worse": "white"}


def draw(run: RunData) -> dict[str, DataFigure]:
    """Return one figure per dataset (and task), by file stem.

    The stem is `forest` for a single dataset, else `forest-<dataset>`.
    """
    return by_table(run, "forest", partial(_figure, run.leaderboard()))


def _figure(board: Leaderboard, rows: list[Row]) -> DataFigure | None:
    metrics = ranked_metrics(board, rows)
    if not metrics:
        return None
    frame = score_frame(rows, metrics)
    figure, places = score_panels(frame)
    for metric, panel in places.items():
        its = frame[frame["metric"] == metric].reset_index(drop=True)
        extent = extent_of(its)
        if extent:
            _points(panel, its, extent)
        frame_panel(panel, its, extent)
    alone = frame["seeds"].max() < 2
    figure.suptitle(f"{rows[0].place}: {'scores of one seed' if alone else SEEDS}")
    note = f"Lines: {ALONE}." if alone else MARKS
    kinds = f"\n\n{KINDS}" if any(card_of(metric).by_likelihood for metric in places) else ""
    figure.supxlabel(f"{note} Dashed: the oracle's mean. Arrow: beyond the axis.{kinds}")
    return figure


def _points(panel: Axes, its: pd.DataFrame, extent: Extent) -> None:
    """Draw scores and their intervals, each at the height of its number in the frame."""
    panel.set_xlim(extent)
    compared, kinds = its["verdict"].notna().any(), card_of(its["metric"].iloc[0]).by_likelihood
    its = its.assign(
        y=its.index,
        point=its["mean"],
        face=its["verdict"].map(FACES).fillna(PALE if compared else "white").where(its["role"] == "model", FAINT),
        kind=its["likelihood"] if kinds else "none",
        half=its["verdict"] == "open",
    )
    size = SIZE * current_style().points("font.size")
    for (face, kind, half), part in within(its, extent).groupby(["face", "kind", "half"]):
        look = {"color": FAINT if face == FAINT else BLUE, "marker": SHAPES[str(kind)], "markerfacecolor": face}
        halved = {"fillstyle": "left", "markerfacecoloralt": "white"} if half else {}
        draw_intervals(panel, part, {**look, **halved, "markersize": size, "markeredgewidth": 1.4})
