"""Score against network evaluations per sample (`genbench sweep`), one line per model."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.registry import discover
from genbench.figures.shared.lines import draw_lines, height_of, name_lines
from genbench.figures.shared.panels import by_dataset
from genbench.figures.shared.titles import with_unit
from genbench.plotting.canvas import panels
from genbench.runs.sweep import read_sweeps
from genbench.statistics.intervals import mean_intervals

__all__ = ["draw"]

WIDTH, COLUMNS = 5.6, 3  # inches of a panel with the names beside it, and panels beside each other


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset, with one panel per metric, by file stem.

    The stem is `nfe` for a single dataset, else `nfe-<dataset>`.
    """
    frame = _frame(run)
    swept = frame[frame["role"] != "oracle"]["dataset"]
    return by_dataset(run, "nfe", swept, lambda name: _figure(name, frame[frame["dataset"] == name]))


def _frame(run: RunData) -> pd.DataFrame:
    """Return one row per trial, number of steps and metric; `nfe` are means over seeds, and the oracle has none."""
    here = {(trial.dataset, trial.model, trial.seed) for trial in run.trials}
    rows = [
        (one.dataset, one.model, one.role, one.seed, row.steps, row.nfe or np.nan, metric, value)
        for one in read_sweeps(run)
        for row in one.rows
        for metric, value in row.metrics.items()
        if (one.dataset, one.model, one.seed) in here and value is not None and (row.nfe or one.role == "oracle")
    ]
    frame = pd.DataFrame(rows, columns=["dataset", "model", "role", "seed", "steps", "nfe", "metric", "value"])
    frame = frame.astype({"nfe": float, "value": float})  # also without rows
    frame["nfe"] = frame.groupby(["dataset", "model", "steps"])["nfe"].transform("mean")
    frame.loc[frame["role"] == "oracle", "nfe"] = np.nan
    return frame


def _figure(dataset: str, frame: pd.DataFrame) -> Figure:
    discover(groups=("metrics",))
    swept = frame[frame["role"] != "oracle"]
    metrics, models = swept["metric"].unique(), list(swept["model"].unique())
    figure, places = panels(len(metrics), (WIDTH, height_of(frame, 4.0)), COLUMNS)
    figure.data, ends = frame, {}
    for panel, metric in zip(places, metrics, strict=False):
        ends[panel] = draw_lines(panel, frame[frame["metric"] == metric], models, "nfe", "mean", band=_interval)
        panel.set(xlabel="network evaluations a sample (NFE)", ylabel=with_unit(metric))
    left_out = "; infinite scores are left out" * (not np.isfinite(frame["value"]).all())
    figure.suptitle(f"{dataset}: quality against network evaluations (band: 95 % interval over seeds{left_out})")
    name_lines(figure, ends)
    return figure


def _interval(values: pd.Series) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a mean over seeds."""
    _, low, high = mean_intervals(values.to_numpy()[None])
    return float(low[0]), float(high[0])
