"""Four panels about one-step forecasts, from runs with `--task forecast`: are the residuals noise as predicted?"""

from __future__ import annotations

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import file_stem, short
from genbench.plotting.canvas import new_figure
from genbench.plotting.labels import less_offset
from genbench.plotting.ranges import edges, limits, say_outside
from genbench.plotting.style import BLUE, FAINT, INK, VERMILLION
from genbench.storage.records import TrialRecord

__all__ = ["autocorrelation", "draw", "ljung_box"]

LAGS, SHOWN = 24, 150  # lags at most, and steps of the held-out end at most: more would be a smear


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a model and dataset, of the first seed that was forecast: `diagnosis-<dataset>-<model>`."""
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
    whole = float(centred @ centred)
    if whole == 0:  # constant: nothing to correlate
        return np.zeros(lags)
    return np.array([centred[lag:] @ centred[:-lag] for lag in range(1, lags + 1)]) / whole


def ljung_box(correlations: Array, m: int) -> float:
    """Return the p-value that m residuals are white, by Q = m (m + 2) Σ r_k² / (m − k) ~ χ² (Ljung and Box 1978)."""
    from scipy.stats import chi2

    k = np.arange(1, len(correlations) + 1)
    return float(chi2.sf(m * (m + 2) * (correlations**2 / (m - k)).sum(), df=len(k)))


def _figure(trial: TrialRecord, stored: dict[str, Array]) -> Figure:
    observed = stored["series"][-len(stored["mean"]) :]
    residuals = observed - stored["mean"]
    figure = new_figure(11, 6.4)
    panels = figure.subplots(2, 2)
    _forecasts(panels[0, 0], stored, trial.diagnostics["coverage_95"])
    _over_time(panels[0, 1], residuals, stored)
    _histogram(panels[1, 0], residuals, stored)
    _correlations(panels[1, 1], residuals)
    for panel in panels.flat:
        panel.grid(True)
    figure.suptitle(
        f"{short(trial.model, 48)} on {short(trial.dataset, 48)}, seed {trial.seed}: "
        "one-step forecasts of the held-out end"
    )
    return figure


def _forecasts(panel: Axes, stored: dict[str, Array], coverage: float) -> None:
    """Draw the end of the past, and the held-out values with their forecasts and 95 % intervals."""
    m = len(stored["mean"])
    shown = min(m, SHOWN)
    start = len(stored["series"]) - m
    past = np.arange(max(0, start - max(24, shown)), start + shown)
    steps = np.arange(start, start + shown)
    low, high = stored["low"][:shown], stored["high"][:shown]
    panel.plot(past, stored["series"][past], color=INK, lw=1.2, label="data")
    panel.fill_between(steps, low, high, color=BLUE, alpha=0.2, lw=0, label="95 % interval")
    panel.plot(steps, stored["mean"][:shown], color=BLUE, lw=1.2, marker="o", markersize=2.5, label="forecast")
    panel.axvline(start - 0.5, color=FAINT, lw=1, linestyle="--")
    which = f"the first {shown} of {m}" if shown < m else f"all {m}"
    bottom, top = _frame(panel, stored["series"][past], np.concatenate([low, high]))
    panel.set_ylim(bottom, top + 0.18 * (top - bottom))  # room for the legend
    title = f"Data and {which} forecasts: {100 * coverage:.0f} % in the intervals"
    panel.set(title=title, xlabel="step")
    less_offset(panel.yaxis, "value")
    panel.legend(loc="upper left", ncols=3)


def _over_time(panel: Axes, residuals: Array, stored: dict[str, Array]) -> None:
    """Draw all residuals over time, with their 95 % intervals."""
    start = len(stored["series"]) - len(residuals)
    steps = np.arange(start, len(stored["series"]))
    low, high = stored["low"] - stored["mean"], stored["high"] - stored["mean"]
    outside = (residuals < low) | (residuals > high)
    panel.fill_between(steps, low, high, color=BLUE, alpha=0.2, lw=0, step="mid")
    panel.axhline(0, color=INK, lw=0.8)
    size = 14 if len(residuals) <= SHOWN else 5
    panel.scatter(steps[~outside], residuals[~outside], color=INK, s=size, zorder=3, linewidths=0)
    panel.scatter(steps[outside], residuals[outside], color=VERMILLION, s=size, zorder=3, linewidths=0)
    _frame(panel, residuals, np.concatenate([low, high]))
    title = f"Residuals, mean {residuals.mean():.3g}: {outside.sum()} of {len(residuals)} outside of the interval"
    panel.set(title=title, xlabel="step", ylabel="data − mean of the forecast")


def _frame(panel: Axes, values: Array, drawn: Array) -> tuple[float, float]:
    """Let the heights be those of nearly all values and of what else is drawn, and say how many lie beyond."""
    low, high = (float(end[0]) for end in limits(values[:, None], 0.08))
    least, most = (float(end[0]) for end in limits(drawn[:, None], 0.08))
    low, high = min(low, max(least, 2 * low - high)), max(high, min(most, 2 * high - low))
    say_outside(panel, int(((values < low) | (values > high)).sum()))
    panel.set_ylim(low, high)
    return low, high


def _histogram(panel: Axes, residuals: Array, stored: dict[str, Array]) -> None:
    """Draw the residuals' histogram and the density that the forecasts give to them."""
    low, high = (float(end[0]) for end in limits(residuals[:, None], 0.05))
    places = edges(residuals, low, high)
    heights = np.histogram(residuals, places)[0] / (len(residuals) * np.diff(places))
    panel.stairs(heights, places, fill=True, color=FAINT, alpha=0.7, label="residuals")
    say_outside(panel, int(((residuals < low) | (residuals > high)).sum()))
    panel.set_xlim(low, high)
    panel.plot(stored["residual_grid"], stored["density"], color=BLUE, lw=1.6, label="predicted density")
    panel.set(title="Residuals and their predicted density", xlabel="data − mean of the forecast", ylabel="density")
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
    panel.set(title=f"Autocorrelation of the residuals; Ljung and Box: {p_text}", xlabel="lag", ylabel="correlation")
    panel.set_ylim(-reach, reach)
