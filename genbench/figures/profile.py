"""Scores of each model on all datasets, divided by the oracle's; 1 equals the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of
from genbench.display.chosen_columns import asked_columns
from genbench.figures.shared.intervals import draw_intervals, log_extent
from genbench.figures.shared.panels import distinct, file_stem
from genbench.figures.shared.score_panels import score_frame
from genbench.figures.shared.titles import room
from genbench.plotting.canvas import in_first_column, panels
from genbench.plotting.labels import Look, styles
from genbench.plotting.style import BLUE, FAILED, INK
from genbench.plotting.ticks import plain

__all__ = ["draw"]

COLUMNS, MOST, LONGEST = (4, 5, 3), 5, 22  # panels beside each other, metrics of several datasets, letters of a name
WIDTH, ALONE, LINE = 2.7, 5.6, 0.3  # inches of a panel, of a single one, and of a line in it
STRETCH = 3.0  # times the farthest point up to which ends of intervals are shown; those of two seeds are very long
NARROWER = 0.85  # share of its place that a panel fills beside names
SPREAD = 0.5  # of a line, over which the metrics lie


def draw(run: RunData) -> dict[str, Figure]:
    """Return `profile`, or `profile-<dataset>` for a run that is limited to one dataset."""
    frame = _frame(run.leaderboard())
    stem = f"profile-{file_stem(run.dataset)}" if run.dataset else "profile"
    return {stem: _figure(frame)} if len(frame) and frame["quotient"].notna().any() else {}


def _frame(board: Leaderboard) -> pd.DataFrame:
    """Return the rows of `score_frame` with the quotient and its interval as `quotient`, `low` and `high`.

    Metrics are those that are compared by quotients (KL and shares are not): of one table all, else those that have a
    column. Models without a quotient are in it where all seeds failed.
    """
    rows, names = [row for row in board.rows if row.role == "model"], [*filter(_by_quotient, board.metrics)]
    if not rows or not names:
        return pd.DataFrame()
    scored = score_frame(rows, names).dropna(subset="ratio")
    alone = scored["dataset"].nunique() == 1
    columns = [name for name in (names if alone else asked_columns(board, board.rows)) if name in set(scored["metric"])]
    frame = score_frame(rows, columns if alone else columns[:MOST]) if columns else scored
    wanted = frame["model"].isin(scored["model"]) | (frame["seeds"] == 0)
    quotients = {"quotient": frame["ratio"], "low": frame["ratio_low"], "high": frame["ratio_high"]}
    return frame.assign(**quotients)[wanted & frame["dataset"].isin(scored["dataset"])]


def _by_quotient(metric: str) -> bool:
    return card_of(metric).logarithmic


def _figure(frame: pd.DataFrame) -> Figure:
    with np.errstate(divide="ignore"):
        means = np.log(frame["quotient"]).groupby(frame["model"]).mean()
    models = sorted(dict.fromkeys(frame["model"]), key=lambda model: means.fillna(np.inf)[model])  # best first
    alone = frame["dataset"].nunique() == 1
    line = "metric" if alone else "dataset"
    lines = list(frame.dropna(subset="quotient")[line].unique())
    metrics = list(dict.fromkeys(frame["metric"]))
    looks = dict.fromkeys(metrics, Look(color=BLUE, marker="o")) if alone else styles(metrics)
    width, columns = (ALONE, 1) if len(models) == 1 else (WIDTH, COLUMNS)
    figure, axes = panels(len(models), (width, LINE * len(lines) + 0.7), columns, margin=1.2)
    extent = log_extent(np.array([1.0, *frame["quotient"]]), frame[["low", "high"]].to_numpy().ravel(), STRETCH)
    titles = distinct(models, min(LONGEST, int(NARROWER * room(axes[0]))))
    names = [card_of(name).label for name in lines] if alone else list(distinct(lines, LONGEST).values())
    across = next((i for i, panel in enumerate(axes) if i and in_first_column(panel)), len(axes))
    for i, (panel, model) in enumerate(zip(axes, models, strict=False)):
        _panel(panel, frame[frame["model"] == model], line, lines, looks, extent)
        panel.set_yticks(range(len(lines)), names if in_first_column(panel) else [""] * len(lines))
        last = i + across >= len(axes)  # with no panel below
        panel.set(title=titles[model], xlabel="× oracle" if last else "")
    if not alone:
        handles = [Line2D([], [], ls="", markersize=7, label=card_of(name).label, **looks[name]) for name in metrics]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    where = f"{frame['dataset'].iloc[0]}: scores" if alone else "Scores"
    figure.suptitle(f"{where} as quotients by the oracle's; 1 is a model that equals the truth")
    figure.supxlabel(
        "Point: mean over seeds; line: its 95 % interval, where there are several; arrow: beyond the axis. Scores "
        "without such a quotient, as KL and shares, are left out. No point: not run. Models are in the order of their "
        "geometric means."
    )
    figure.data = frame
    return figure


def _panel(
    panel: Axes, its: pd.DataFrame, line: str, lines: list[str], looks: dict[str, Look], extent: tuple[float, float]
) -> None:
    """Draw one line per dataset, or metric, with the metrics one below the other, and the oracle's line."""
    panel.set(xscale="log", xlim=extent, ylim=(len(lines) - 0.4, -0.6))
    panel.axvline(1.0, color=INK, lw=1, linestyle="--", zorder=1)
    for i, (metric, look) in enumerate(looks.items()):
        step = 0.0 if line == "metric" else SPREAD * ((i + 0.5) / len(looks) - 0.5)
        one = its[(its["metric"] == metric) & its["quotient"].notna()].rename(columns={"quotient": "point"})
        draw_intervals(panel, one.assign(y=one[line].map(lines.index) + step), {"ms": 6, "mew": 0, **look})
    for name, failed in its.groupby(line, sort=False)["status"].first().items():
        if failed and name in lines:
            at = lines.index(name)
            panel.text(0.03, at, failed, transform=panel.get_yaxis_transform(), va="center", color=FAILED)
    plain(panel.xaxis)
    panel.minorticks_off()
    panel.grid(True)
    panel.tick_params(axis="y", length=0)
