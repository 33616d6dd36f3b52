"""Panels of scores, one for each metric.

Models are rows in the order of the leaderboard, and each panel has its own axis.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Cell, Row, card_of
from genbench.display.chosen_columns import asked_columns
from genbench.display.numbers import brief
from genbench.display.verdicts import SIGNS
from genbench.figures.shared.panels import distinct
from genbench.plotting.canvas import DataFigure, in_first_column, panels
from genbench.plotting.ranges import comparable
from genbench.plotting.style import FAILED, FAINT, INK
from genbench.plotting.ticks import plain

__all__ = ["Extent", "extent_of", "frame_panel", "ranked_metrics", "score_frame", "score_panels", "within"]

Extent = tuple[float, float]  # ends of an axis

COLUMNS = (3, 4, 2)  # panels beside each other: whichever leaves the fewest places empty
WIDTH, LINE, HEAD = 3.2, 0.25, 0.9  # inches: of a panel, from model to model, for a title and the numbers below
MOST, LONGEST = 6, 24  # panels, and letters of a name
TICKS = 4  # numbers of six letters that have room below a panel
NUMBERS = ("mean", "low", "high", "ratio", "ratio_low", "ratio_high")


def ranked_metrics(board: Leaderboard, rows: Sequence[Row]) -> list[str]:
    """Return the metrics by which a table is ranked, the most useful ones first."""
    return [name for name in asked_columns(board, rows) if card_of(name).ranked]


def score_frame(rows: Sequence[Row], metrics: Sequence[str]) -> pd.DataFrame:
    """Return a tidy frame: a row for each model, dataset and metric, in their order.

    `mean` is the mean over seeds, NaN without a score. `low` and `high` are the ends of its interval over seeds; for a
    single seed, they are two standard errors away. `ratio` is the mean divided by the oracle's, with an interval.
    `status` says why no seed has a score.
    """
    found = []
    for row in rows:
        status = "" if row.seeds else ", ".join(name for name in row.statuses if name != "ok").replace("_", " ")
        facts = {name: vars(row)[name] for name in ("model", "role", "likelihood", "seeds", "failed")}
        for metric in metrics:
            cell = row.metrics.get(metric) or Cell(np.nan, None, None)
            numbers = dict(
                zip(NUMBERS, (cell.mean, *_ends(cell), cell.ratio, cell.ratio_low, cell.ratio_high), strict=True)
            )
            named = {"dataset": row.place, "metric": metric}
            found.append(named | facts | {"status": status, "verdict": cell.verdict} | numbers)
    return pd.DataFrame(found).astype(dict.fromkeys(NUMBERS, float))


def _ends(cell: Cell) -> Extent:
    if cell.low is not None and cell.high is not None:
        return cell.low, cell.high
    half = 2 * (cell.standard_error or 0.0)
    return cell.mean - half, cell.mean + half


def score_panels(frame: pd.DataFrame) -> tuple[DataFigure, dict[str, Axes]]:
    """Return a figure with a panel for each metric, of a frame of one dataset.

    It has the first metrics, as many as there is room for.
    """
    metrics = list(dict.fromkeys(frame["metric"]))[:MOST]
    figure, axes = panels(len(metrics), (WIDTH, LINE * frame["model"].nunique() + HEAD), COLUMNS, margin=1.0)
    figure.data = frame[frame["metric"].isin(metrics[: len(axes)])]
    return figure, dict(zip(metrics, axes, strict=False))


def extent_of(its: pd.DataFrame) -> Extent | None:
    """Return the ends of the axis, for all models and the oracle.

    Intervals are shown as far as scores stay distinct. Outside may be controls, the ends of intervals over two seeds,
    which are very long, and scores that are infinite or very far from the others. The result is None if no score is
    finite.

    Args:
        its: columns `mean`, `low`, `high` and `role`.
    """
    compared = its[np.isfinite(its["mean"])]
    compared = compared if (compared["role"] == "control").all() else compared[compared["role"] != "control"]
    compared = compared[comparable(compared["mean"].to_numpy())]
    if compared.empty:
        return None
    ends = compared[["low", "high"]].to_numpy()
    ends = ends[np.isfinite(ends)]
    low, high = float(compared["mean"].min()), float(compared["mean"].max())
    if low > 0 and high > 8 * low:
        return max(low / 2, ends[ends > 0].min() / 1.1), min(2.5 * high, 1.3 * ends.max())
    reach = 0.6 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = max(low - reach, ends.min()), min(high + reach, ends.max())
    room = 0.08 * (high - low) or reach
    return low - room, high + room


def within(its: pd.DataFrame, extent: Extent | None) -> pd.DataFrame:
    """Return the rows whose mean is inside an axis."""
    return its[its["mean"].between(*extent)] if extent else its[:0]


def frame_panel(panel: Axes, its: pd.DataFrame, extent: Extent | None) -> None:
    """Draw what all score panels share: title, axes, oracle's mean, verdict signs, notes.

    Args:
        its: the rows of `score_frame` for its metric, numbered from 0; the number is the position.
    """
    card = card_of(its["metric"].iloc[0])
    oracle = its.loc[its["role"] == "oracle", "mean"]
    for mean in oracle[np.isfinite(oracle)]:
        panel.axvline(mean, color=INK, lw=1, linestyle="--", zorder=1)
    panel.set(ylim=(len(its) - 0.4, -0.6), xlabel="", ylabel="")
    if extent and extent[0] > 0 and extent[1] > 8 * extent[0]:
        panel.set(xscale="log", xlim=extent)
        plain(panel.xaxis)
    else:
        panel.set_xlim(extent)
        panel.locator_params(axis="x", nbins=TICKS)
    _words(panel, its, extent)
    unit = f" ({card.unit})" if card.unit else ""
    panel.set_title(f"{card.label}{unit}\n{'higher' if card.higher_is_better else 'lower'} is better")
    panel.tick_params(axis="y", length=0)
    panel.grid(True)
    names = distinct(its["model"], LONGEST)
    partly = (its["failed"] > 0) & (its["seeds"] > 0)
    notes = np.where(partly, " (" + its["failed"].astype(str) + " failed)", "")
    panel.set_yticks(range(len(its)), [names[m] + note for m, note in zip(its["model"], notes, strict=True)])
    panel.tick_params(axis="y", labelleft=in_first_column(panel))


def _words(panel: Axes, its: pd.DataFrame, extent: Extent | None) -> None:
    """Write signs of verdicts at the right, and in the panel scores beyond the axis or why there is no score."""
    across = panel.get_yaxis_transform()
    low, high = extent or (0.0, 0.0)
    for y, (mean, status, verdict) in enumerate(zip(its["mean"], its["status"], its["verdict"], strict=True)):
        panel.text(1.02, y, SIGNS.get(verdict, ""), transform=across, va="center")
        if np.isnan(mean):
            panel.text(0.02, y, status or "–", transform=across, va="center", color=FAILED if status else FAINT)
        elif mean > high:
            panel.text(0.98, y, f"{brief(mean)} →", transform=across, ha="right", va="center")
        elif mean < low:
            panel.text(0.02, y, f"← {brief(mean)}", transform=across, va="center")
