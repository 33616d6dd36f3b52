"""How much worse than the best other model each model is, by each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Cell, Row, card_of
from genbench.analysis.verdicts import MINIMUM_SEEDS, Contest
from genbench.display.chosen_columns import asked_columns
from genbench.display.numbers import brief
from genbench.display.verdicts import VERDICTS
from genbench.figures.shared.intervals import draw_intervals, log_extent
from genbench.figures.shared.panels import by_table, distinct
from genbench.figures.shared.titles import room
from genbench.plotting.canvas import in_first_column, panels
from genbench.plotting.ranges import comparable, extent_with
from genbench.plotting.style import BLUE, FAILED, INK, ORANGE, SKY, VERMILLION
from genbench.plotting.ticks import plain

__all__ = ["draw"]

COLUMNS = (3, 2)  # panels beside each other: whichever leaves fewer places empty
MOST, LONGEST = 6, 24  # panels, and letters of a name
WIDTH, LINE, HEAD = 3.5, 0.27, 1.15  # inches of a panel, of a model's line, and of titles and labels of a panel
STRETCH = 4.0  # times the farthest point up to which ends of intervals are shown; those of two seeds are very long
NARROWER = 0.65  # share of its place that a panel fills beside names
TICKS = 5  # numbers of six letters that have room below a panel

PALE = "#757575"  # the palest grey for readable letters (WCAG 2: contrast 4.5)
# Distinct in colour, and without colour by shape and filling.
LOOKS: Mapping[str, dict[str, Any]] = {
    "best": {"color": BLUE, "marker": "*", "markersize": 11},
    "as good": {"color": SKY, "marker": "o", "markersize": 7},
    "open": {"color": ORANGE, "marker": "o", "markersize": 7, "fillstyle": "left", "markerfacecoloralt": "white"},
    "worse": {"color": VERMILLION, "marker": "o", "markersize": 7, "markerfacecolor": "white"},
}
MEANINGS = {"best": "leads", "as good": "within the margin", "open": "may be the best, may be worse", "worse": ""}
NOTES = (
    "Point: the mean over seeds beside that of the best of the other models (of quotients the geometric mean). "
    "Line: the 95 % interval, which holds for all models of a panel at once (Hsu 1984); an arrow: its end is "
    "beyond the axis, or there is none. Shaded: up to the margin; of models that may be the best, those whose "
    "interval ends there are as good. Kinds of likelihood are compared separately. Not compared: models with one "
    "seed, or the only one of a kind. Controls are not ranked."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset (and task) on which models were compared.

    A comparison needs two seeds. The stem is `verdicts` for a single dataset. For several datasets the stems are
    `verdicts-<dataset>`.
    """
    return by_table(run, "verdicts", partial(_figure, run.leaderboard()))


def _frame(board: Leaderboard, rows: list[Row]) -> pd.DataFrame:
    """Return one row per model and metric, in the order of the leaderboard and of its columns.

    `worse_by` is a quotient or a difference, as `scale` says, `low` and `high` are its interval, infinite where it has
    no end, and `note` is why there is none.
    """
    place, found = rows[0].place, []
    for metric in asked_columns(board, rows, board.sorted_by(place)):
        contests = board.contests.get((place, metric), [])
        for scale in dict.fromkeys(contest.scale for contest in contests):
            its = [contest for contest in contests if contest.scale == scale]
            found.append([_observed(row, metric, its) for row in rows if row.role == "model"])
    return pd.DataFrame([one for panel in found[:MOST] for one in panel])


def _observed(row: Row, metric: str, contests: Sequence[Contest]) -> dict[str, Any]:
    """Return the row of one model and metric; the contests have one scale."""
    cell, first = row.metrics.get(metric), contests[0]
    margin = np.nan if first.margin is None else first.margin
    facts = {"dataset": row.dataset, "task": row.task, "metric": metric, "scale": first.scale, "margin": margin}
    facts |= {"model": row.model, "seeds": row.seeds, "failed": row.failed}
    places = [(one, i) for one in contests for i, other in enumerate(one.rows) if other.model == row.model]
    if not places or cell is None or cell.worse_by is None:
        verdict = cell.verdict if cell else None
        return facts | {"verdict": verdict, **dict.fromkeys(("worse_by", "low", "high"), np.nan)} | _why(row, metric)
    (contest, i), (low, high) = places[0], cell.worse_by
    ends = {"low": -np.inf if low is None else low, "high": np.inf if high is None else high}
    return facts | {"verdict": cell.verdict, "worse_by": contest.behind(i), **ends, "note": ""}


def _why(row: Row, metric: str) -> dict[str, str]:
    """Return why a model was not compared."""
    cell: Cell | None = row.metrics.get(metric)
    if not row.seeds:
        return {"note": ", ".join(name for name in row.statuses if name != "ok").replace("_", " ")}
    if cell is None:
        return {"note": "no score"}
    if not np.isfinite(cell.mean):
        return {"note": brief(cell.mean)}
    return {"note": "one seed" if len(row.values.get(metric, {})) < MINIMUM_SEEDS else "not compared"}


def _figure(board: Leaderboard, rows: list[Row]) -> Figure | None:
    frame = _frame(board, rows)
    if not len(frame) or frame["verdict"].isna().all():
        return None
    models = list(dict.fromkeys(frame["model"]))
    parts = [part for _, part in frame.groupby(["metric", "scale"], sort=False)]
    figure, axes = panels(len(parts), (WIDTH, LINE * len(models) + HEAD), COLUMNS, margin=1.2)
    for panel, part in zip(axes, parts, strict=False):
        _panel(panel, part, models)
        named = in_first_column(panel)
        panel.set_yticks(range(len(models)), _names(part) if named else [""] * len(models))
    present = [verdict for verdict in VERDICTS if (frame["verdict"] == verdict).any()]
    labels = {verdict: f"{verdict}: {MEANINGS[verdict]}".removesuffix(": ") for verdict in present}
    handles = [Line2D([], [], label=labels[verdict], **LOOKS[verdict]) for verdict in present]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    figure.suptitle(f"{rows[0].place}: how much worse each model is than the best of the others")
    figure.supxlabel(NOTES)
    figure.data = frame
    return figure


def _names(part: pd.DataFrame) -> list[str]:
    """Return the labels of lines: names, and the number of seeds that failed, if any."""
    names = distinct(part["model"], LONGEST)
    some = part["failed"].where(part["seeds"] > 0, 0)
    return [
        names[model] + (f" ({failed} of {failed + seeds} failed)" if failed else "")
        for model, failed, seeds in zip(part["model"], some, part["seeds"], strict=True)
    ]


def _panel(panel: Axes, part: pd.DataFrame, models: Sequence[str]) -> None:
    """Draw one line per model, from top to bottom, over the band of models that are as good."""
    metric, scale, margin = part.iloc[0][["metric", "scale", "margin"]]
    card, quotient = card_of(metric), scale == "quotient"
    part = part.assign(y=part["model"].map({model: y for y, model in enumerate(models)}))
    low, high = _extent(part, quotient)
    panel.set(xscale="log" if quotient else "linear", xlim=(low, high), ylim=(len(models) - 0.4, -0.6))
    if np.isfinite(margin):
        panel.axvspan(low, margin, color=BLUE, alpha=0.08, lw=0, zorder=0)
    panel.axvline(1.0 if quotient else 0.0, color=INK, lw=0.9, zorder=1)
    for verdict, its in part[part["low"].notna()].groupby("verdict"):
        draw_intervals(
            panel, its.rename(columns={"worse_by": "point"}), {"markeredgewidth": 1.4, **LOOKS[str(verdict)]}
        )
    for _, one in part[part["low"].isna()].iterrows():
        colour = FAILED if one["seeds"] == 0 or one["verdict"] == "worse" else PALE
        panel.text(0.02, one["y"], one["note"], transform=panel.get_yaxis_transform(), va="center", color=colour)
    if quotient:
        plain(panel.xaxis)
    else:
        panel.locator_params(axis="x", nbins=TICKS)
    side = f"{card.unit} {'below' if card.higher_is_better else 'above'} best other".lstrip()
    panel.set_xlabel(fill("× best other" if quotient else side, int(NARROWER * room(panel, "axes.labelsize"))))
    as_good = f"as good up to {brief(margin)} {'×' if quotient else card.unit}".rstrip()
    panel.set_title(f"{card.label}\n{as_good if np.isfinite(margin) else 'no margin'}")
    panel.tick_params(axis="y", length=0)
    panel.grid(True)


def _extent(part: pd.DataFrame, quotient: bool) -> tuple[float, float]:
    """Return the ends of the axis: points and margin, and of the intervals as much as leaves the points apart."""
    points, ends = part["worse_by"].dropna().to_numpy(), part[["low", "high"]].to_numpy().ravel()
    inner = np.array([*points[comparable(points)], *part["margin"].dropna()[:1], 1.0 if quotient else 0.0])
    if quotient:
        return log_extent(inner, ends, STRETCH)
    return extent_with(inner, ends[~np.isnan(ends)], reach=float(np.ptp(inner)) or 0.1)
