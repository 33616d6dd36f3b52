"""Heat map of models × datasets: the score, or its quotient by the oracle's score."""

from __future__ import annotations

from statistics import mode
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize

from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row, card_of
from genbench.contracts.model import LIKELIHOODS
from genbench.core.types import Array
from genbench.display.formatting import LIKELIHOOD_SIGNS
from genbench.display.numbers import LARGE, brief
from genbench.display.verdicts import SIGNS
from genbench.figures.shared.heat_panel import fitting_rows, heat_figure
from genbench.figures.shared.panels import file_stem
from genbench.figures.shared.score_panels import score_frame
from genbench.plotting.canvas import DataFigure
from genbench.plotting.ranges import comparable
from genbench.plotting.ticks import plain

__all__ = ["draw"]

ROLES = ("model", "control")  # in this order from top to bottom; the oracle is 1 everywhere
HEADS = {
    "exact": "exact",
    "bound": "bounds (≤)",
    "estimate": "estimates (≈)",
    "none": "no likelihood",
    "control": "controls",
}


def draw(run: RunData) -> dict[str, DataFigure]:
    """Return `heat_map` for the leaderboard's metric, and `heat_map-kl` if there is a KL.

    The leaderboard's metric is the one by which it is sorted. For a part of a run, they are `heat_map-<dataset>` and
    `heat_map-kl-<dataset>`.
    """
    board = run.leaderboard()
    rows = [row for row in board.rows if row.place == row.dataset] or board.rows
    figures, part = dict[str, DataFigure](), f"-{file_stem(run.dataset)}" if run.dataset else ""
    for metric in dict.fromkeys((board.sort, "kl")):
        if metric in board.metrics and (figure := _figure(rows, metric)) is not None:
            figures[("heat_map" if metric == board.sort else "heat_map-kl") + part] = figure
    return figures


def _figure(rows: list[Row], metric: str) -> DataFigure | None:
    card, frame = card_of(metric), _frame(rows, metric)
    if not np.isfinite(frame["relative"]).any():
        return None
    ranks = frame.groupby("model", sort=False)["mean_rank"].first()  # in the order of groups
    most, count = fitting_rows(), len(ranks)
    shown = ranks.fillna(np.inf).nsmallest(most or count).index
    models = [model for model in ranks.index if model in shown]
    frame = frame[frame["model"].isin(models)]
    places = [place for place in dict.fromkeys(row.place for row in rows) if place in set(frame["dataset"])]
    cells = frame.assign(text=[_text(one) for one in frame.itertuples()])
    values, texts = (
        cells.pivot(index="model", columns="dataset", values=name).loc[models, places] for name in ("relative", "text")
    )
    quotient = bool(frame["ratio"].notna().any())
    norm = _norm(values.to_numpy(), quotient)
    unit = "× oracle" if quotient else card.unit
    log = isinstance(norm, LogNorm)
    figure, panel, bar = heat_figure(
        values, texts.fillna(""), norm=norm, cmap="viridis" if card.higher_is_better else "viridis_r",
        label=f"{card.label}{', ' * bool(unit)}{unit}{', log scale' * log}",
    )  # fmt: skip
    figure.leave_out(len(models), count, "models in the order of their ranks")
    if log:
        plain(bar.yaxis)
    for text in panel.texts:
        if text.get_text().endswith(SIGNS["best"]):
            text.set_fontweight("bold")
    _groups(panel, [frame.loc[frame["model"] == model, "group"].iloc[0] for model in models], len(places))
    figure.data = frame
    where = f"{len(places)} datasets" if len(places) > 1 else places[0]
    figure.suptitle(f"{card.label}: models on {where}, mean over seeds")
    figure.supxlabel(
        "Bold, *: leads there. =: as good, within the margin. ?: open, may be the best, may be worse. No mark: worse, "
        "or not compared. In brackets: seeds that failed. Hatched: all failed (orange-red), or not run (grey). Models "
        "are in the order of their mean ranks."
        + " Do not compare kinds of likelihood, which are separated."
        * card.by_likelihood
    )
    return figure


def _frame(rows: list[Row], metric: str) -> pd.DataFrame:
    """Return the scores of models that have a score or failed, by group and by its mean rank within the dataset."""
    card, frame = card_of(metric), score_frame(rows, [metric])
    scored = frame[frame["mean"].notna()]
    frame = frame[frame["dataset"].isin(scored["dataset"])]  # others have no score in this metric
    frame = frame.assign(relative=frame["ratio"].fillna(frame["mean"]), group=frame["role"])
    if card.by_likelihood:  # the most frequent kind over datasets
        kinds = frame["model"].map(scored.groupby("model")["likelihood"].agg(mode)).fillna(frame["likelihood"])
        frame["group"] = kinds.where(frame["role"] == "model", frame["role"])
    order = [*(LIKELIHOODS if card.by_likelihood else ()), *ROLES]
    wanted = {*scored["model"], *frame.loc[frame["seeds"] == 0, "model"]}
    frame = frame[frame["model"].isin(wanted) & frame["group"].isin(order)]
    badness = (frame["mean"] * (-1 if card.higher_is_better else 1)).replace(
        -np.inf, np.inf
    )  # an infinite score is never good
    here = badness.groupby(frame["dataset"])
    ranks = (here.rank() - 1) / (here.transform("count") - 1).clip(lower=1)
    frame = frame.assign(at=frame["group"].map(order.index), mean_rank=ranks.groupby(frame["model"]).transform("mean"))
    return frame.sort_values(["at", "mean_rank"], kind="stable").drop(columns="at")


def _norm(values: Array, quotient: bool) -> Normalize:
    """Return the scale of colours: from the best score or the oracle's 1 on, logarithmic where all are positive."""
    shown = values[comparable(values.ravel()).reshape(values.shape)]  # the colours of others are those of the ends
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (1.0, 1.0)
    positive = low > 0 and high > 4 * low
    low = min(low, 1.0) if quotient else max(low, high / 500) if positive else low
    return LogNorm(low, max(high, 1.01 * low)) if positive else Normalize(low, high if high > low else low + 1.0)


def _text(one: Any) -> str:
    """Return a number of about three digits, with the signs of its kind of likelihood and of its verdict."""
    value = one.relative
    if np.isnan(value):
        return str(one.status)
    other = card_of(one.metric).by_likelihood and one.likelihood != one.group  # than the head of its group says
    sign = LIKELIHOOD_SIGNS[one.likelihood] if other else ""
    whole = 0.1 <= abs(value) < LARGE
    digits = f"{value:.{max(0, 2 - int(np.log10(max(1.0, abs(value)))))}f}" if whole else brief(value, 2)
    return " ".join(filter(None, [sign + digits, f"({one.failed})" if one.failed else "", SIGNS.get(one.verdict, "")]))


def _groups(panel: Axes, groups: list[str], columns: int) -> None:
    """Separate the groups by white lines, and name them on the right."""
    named = any(group in LIKELIHOODS for group in groups)
    for group in dict.fromkeys(groups):
        first = groups.index(group)
        if first:
            panel.axhline(first, color="white", lw=6)
        if named:
            panel.text(1.01 * columns, first + 0.08, HEADS.get(group, group), va="top", ha="left", color="#555555")
