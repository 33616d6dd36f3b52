"""Scores by property of the data: dimension, tails, rare modes, thin support, scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.ticker import PercentFormatter

from genbench.analysis.properties import LEAST, METRICS, Left, left_over
from genbench.analysis.run_data import RunData
from genbench.figures.shared.heat_panel import fitting_rows, heat_figure
from genbench.plotting.canvas import DataFigure

__all__ = ["draw"]

LOW, HIGH = 0.01, 2.0  # ends of the colours, by hand: a hundredth of a control's distance, and twice it


def draw(run: RunData) -> dict[str, DataFigure]:
    """Return `properties`, if datasets test two properties or more and have a control.

    The control must have been scored on them.
    """
    found = left_over(run) if run.dataset is None else []
    return {"properties": _figure(found)} if len({one.test for one in found}) > 1 else {}


def _figure(found: list[Left]) -> DataFigure:
    frame = pd.DataFrame([vars(one) | {"text": _text(one)} for one in found]).drop_duplicates(
        ["model", "test"], keep="last"
    )
    tests, models = (frame[name].unique() for name in ("test", "model"))
    values = frame.pivot(index="model", columns="test", values="share").loc[models, tests]
    best_first = values.apply(np.log).mean(axis="columns").sort_values(kind="stable").index
    shown = best_first[: fitting_rows()]
    texts = frame.pivot(index="model", columns="test", values="text").fillna("").loc[shown, tests]
    colours: dict[str, Any] = {"norm": LogNorm(LOW, HIGH), "cmap": "viridis_r", "label": "share left, log scale"}
    figure, _, bar = heat_figure(values.loc[shown], texts, **colours)
    figure.leave_out(len(shown), len(best_first), "models")
    bar.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    bar.yaxis.set_minor_formatter("")
    figure.data = frame.drop(columns="text")
    figure.suptitle("What is left of a control's distance to the truth, by property of the data")
    figure.supxlabel(
        "KL over that of the best control, which knows mean and covariance: the geometric "
        "mean over the datasets for a property. †: by typicality, as the model has no density. "
        "100 %: no better than the control. In brackets: datasets without a score. Hatched: none of them has one."
    )
    return figure


def _text(one: Left) -> str:
    if np.isnan(one.share):
        return "no score"
    percent = 100 * one.share
    digits = "< 0.1" if one.share <= LEAST else f"{percent:.0f}" if percent >= 10 else f"{percent:.1f}"
    return f"{digits} %{'†' if one.metric != METRICS[0] else ''}{f' ({one.failed})' if one.failed else ''}"
