"""Residuals of one-step forecasts (`--task forecast`), compared with the predicted noise."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import correlate
from scipy.stats import chi2

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import file_stem, short
from genbench.figures.shared.titles import head
from genbench.plotting.canvas import new_figure
from genbench.plotting.ranges import BINS, limits, say_outside
from genbench.plotting.style import BLUE, FAINT, INK, VERMILLION
from genbench.plotting.ticks import less_offset
from genbench.storage.records import TrialRecord

__all__ = ["autocorrelation", "draw", "ljung_box"]

LAGS, SHOWN = 24, 150  # lags at most, and steps of the held-out end at most: more would overlap


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per model and dataset, by file stem: `diagnosis-<dataset>-<model>`.

    It shows the first seed that was forecast.
    """
    figures: dict[str, Figure] = {}
    for trial in sorted(run.trials, key=lambda trial: trial.seed):
        names = f"{file_stem(trial.dataset)}-{file_stem(trial.model)}"
        stem = "diagnosis-" + re.sub(r"[^A-Za-z0-9_.+=-]+", "_", names).strip("_")
        if trial.spec.task == "forecast" and trial.status == "ok" and stem not in figures:
            figures[stem] = _figure(trial, run.arrays(trial.key))
    return figures


def autocorrelation(residuals: Array, lags: int) -> Array:
    """Return the autocorrelations r_1 … r_lags of residuals [m] about their mean."""
    centred = residuals - residuals.mean()
    products: Array = correlate(centred, centred)[len(centred) - 1 :]  # of lags 0, 1, …
    return products[1 : lags + 1] / (products[0] or 1.0)  # 0 of constant ones


def ljung_box(correlations: Array, m: int) -> float:
    """Return the p-value of Ljung and Box (1978) for m residuals to be white noise.

    The statistic is Q = m (m + 2) Σ r_k² / (m − k) ~ χ².
    """
    k = np.arange(1, len(correlations) + 1)
    return float(chi2.sf(m * (m + 2) * (correlations**2 / (m - k)).sum(), df=len(k)))


def _frame(trial: TrialRecord, stored: dict[str, Array]) -> pd.DataFrame:
    """Return one row per held-out step: the value, its forecast's mean and 95 % interval, and the residual."""
    n, m = len(stored["series"]), len(stored["mean"])
    facts = {"model": trial.model, "dataset": trial.dataset, "seed": trial.seed, "step": np.arange(n - m, n)}
    frame = pd.DataFrame(facts | {"value": stored["series"][n - m :]} | {k: stored[k] for k in ("mean", "low", "high")})
    outside = (frame["value"] < frame["low"]) | (frame["value"] > frame["high"])
    return frame.assign(residual=frame["value"] - frame["mean"], outside=outside)


def _figure(trial: TrialRecord, stored: dict[str, Array]) -> Figure:
    frame = _frame(trial, stored)
    figure = new_figure(11, 6.4)
    figure.data = frame
    panels = figure.subplots(2, 2)
    _forecasts(panels[0, 0], frame, stored["series"])
    _over_time(panels[0, 1], frame)
    _histogram(panels[1, 0], frame["residual"].to_numpy(), stored)
    _correlations(panels[1, 1], frame["residual"].to_numpy())
    for panel in panels.flat:
        panel.grid(True)
    figure.suptitle(
        f"{short(trial.model, 48)} on {short(trial.dataset, 48)}, seed {trial.seed}: "
        "one-step forecasts of the held-out end"
    )
    return figure


def _forecasts(panel: Axes, frame: pd.DataFrame, series: Array) -> None:
    """Draw the last past values, and the held-out values with their forecasts and 95 % intervals."""
    shown, start = frame.head(SHOWN), int(frame["step"].iloc[0])
    past = np.arange(max(0, start - max(24, len(shown))), start + len(shown))
    panel.plot(past, series[past], color=INK, lw=1.2, label="data")
    panel.fill_between(shown["step"], shown["low"], shown["high"], color=BLUE, alpha=0.2, lw=0, label="95 % interval")
    seaborn.lineplot(
        shown, x="step", y="mean", color=BLUE, lw=1.2, marker="o", ms=2.5, mew=0, label="forecast", ax=panel
    )
    panel.axvline(start - 0.5, color=FAINT, lw=1, linestyle="--")
    bottom, top = _heights(panel, series[past], shown[["low", "high"]].to_numpy().ravel())
    panel.set_ylim(bottom, top + 0.18 * (top - bottom))  # room for the legend
    which = f"the first {len(shown)} of {len(frame)}" if len(shown) < len(frame) else f"all {len(frame)}"
    head(panel, f"Data and {which} forecasts: {100 * (1 - frame['outside'].mean()):.0f} % in the intervals")
    panel.set_xlabel("step")
    less_offset(panel.yaxis, "value")
    panel.legend(loc="upper left", ncols=3)


def _over_time(panel: Axes, frame: pd.DataFrame) -> None:
    """Draw all residuals over time, with their 95 % intervals."""
    low, high = frame["low"] - frame["mean"], frame["high"] - frame["mean"]
    panel.fill_between(frame["step"], low, high, color=BLUE, alpha=0.2, lw=0, step="mid")
    panel.axhline(0, color=INK, lw=0.8)
    palette, size = {False: INK, True: VERMILLION}, 14 if len(frame) <= SHOWN else 5
    seaborn.scatterplot(
        frame, x="step", y="residual", hue="outside", palette=palette, s=size, linewidth=0, legend=False, ax=panel
    )
    _heights(panel, frame["residual"].to_numpy(), np.concatenate([low, high]))
    beyond = f"{frame['outside'].sum()} of {len(frame)} outside of the interval"
    head(panel, f"Residuals, mean {frame['residual'].mean():.3g}: {beyond}".replace("-", "−"))
    panel.set(xlabel="step", ylabel="data − mean of the forecast")


def _heights(panel: Axes, values: Array, drawn: Array) -> tuple[float, float]:
    """Set the height to nearly all values and to what else is drawn; write how many values lie beyond."""
    low, high = (float(end[0]) for end in limits(values[:, None], 0.08))
    least, most = (float(end[0]) for end in limits(drawn[:, None], 0.08))
    low, high = min(low, max(least, 2 * low - high)), max(high, min(most, 2 * high - low))
    say_outside(panel, int(((values < low) | (values > high)).sum()))
    panel.set_ylim(low, high)
    return low, high


def _histogram(panel: Axes, residuals: Array, stored: dict[str, Array]) -> None:
    """Draw the histogram of the residuals and their predicted density."""
    low, high = (float(end[0]) for end in limits(residuals[:, None], 0.05))
    seaborn.histplot(
        x=residuals,
        bins=BINS,
        binrange=(low, high),
        stat="density",
        color=FAINT,
        linewidth=0.3,
        label="residuals",
        ax=panel,
    )
    say_outside(panel, int(((residuals < low) | (residuals > high)).sum()))
    panel.set_xlim(low, high)
    seaborn.lineplot(
        x=stored["residual_grid"], y=stored["density"], color=BLUE, lw=1.6, label="predicted density", ax=panel
    )
    head(panel, "Residuals and their predicted density")
    panel.set(xlabel="data − mean of the forecast", ylabel="density")
    panel.legend()


def _correlations(panel: Axes, residuals: Array) -> None:
    """Draw the autocorrelations with the band in which 95 % of those of white noise lie."""
    m = len(residuals)
    found = autocorrelation(residuals, max(1, min(LAGS, m // 2)))
    lags, band = np.arange(1, len(found) + 1), 1.96 / np.sqrt(m)
    panel.axhspan(-band, band, color=BLUE, alpha=0.2, lw=0)
    panel.axhline(0, color=INK, lw=0.8)
    colours = [VERMILLION if abs(r) > band else INK for r in found]
    panel.vlines(lags, 0, found, color=colours, lw=1.4)
    panel.scatter(lags, found, color=colours, s=16, zorder=3)
    reach = max(0.3, 1.25 * float(np.abs(found).max()), 1.25 * band)
    p = ljung_box(found, m)
    p_text = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    head(panel, f"Autocorrelation of the residuals; Ljung and Box: {p_text}")
    panel.set(xlabel="lag", ylabel="correlation", ylim=(-reach, reach))
