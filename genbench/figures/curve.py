"""Score against training seconds (`--task curve`), one line per model."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.analysis.scores import card_of
from genbench.core.registry import discover
from genbench.figures.shared.lines import draw_lines, height_of, name_lines
from genbench.figures.shared.panels import by_dataset
from genbench.figures.shared.titles import with_unit
from genbench.plotting.canvas import panels
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

WIDTH, COLUMNS = 5.6, 3  # inches of a panel with the names beside it, and panels beside each other
FACTS = {"model", "role", "seed", "share", "steps", "train_seconds"}  # of a row of the curve; the rest are scores
CAPTION = (
    "One training run each, scored as it goes. The learning rate falls until its end, so a point before it "
    "is not what a shorter budget would give. Thin lines: seeds; thick: their geometric mean (mean where negative)."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset, with one panel per metric, by file stem.

    The stem is `curve` for a single dataset, else `curve-<dataset>`.
    """
    trials = [trial for trial in run.trials if trial.curve]
    datasets = [trial.dataset for trial in trials]
    return by_dataset(run, "curve", datasets, lambda name: _figure(name, [t for t in trials if t.dataset == name]))


def _frame(trials: list[TrialRecord]) -> pd.DataFrame:
    """Return one row per trial, share of its training run and metric; `seconds` are means over seeds at that share."""
    rows = [{"model": t.model, "role": t.role, "seed": t.seed, **row} for t in trials for row in t.curve]
    wide = pd.DataFrame(rows)
    wide["seconds"] = wide.groupby(["model", "share"])["train_seconds"].transform("mean")
    return wide.melt([name for name in wide if name in FACTS | {"seconds"}], var_name="metric").dropna(subset="value")


def _figure(dataset: str, trials: list[TrialRecord]) -> Figure:
    discover(groups=("metrics",))
    frame = _frame(trials)
    models = list(dict.fromkeys(trial.model for trial in trials if trial.role == "model"))
    metrics = sorted(frame["metric"].unique(), key=lambda name: card_of(name).order)
    figure, places = panels(len(metrics), (WIDTH, height_of(frame, 4.4)), COLUMNS, margin=0.8)
    figure.data, ends = frame, {}
    for panel, metric in zip(places, metrics, strict=False):
        its = frame[(frame["metric"] == metric) & frame["role"].isin(["model", "oracle"])]
        ends[panel] = draw_lines(panel, its, models, "train_seconds", _centre, at="seconds")
        panel.set(xlabel="training seconds", ylabel=with_unit(metric))
    figure.suptitle(f"{dataset}: quality in the course of the training")
    infinite = not np.isfinite(frame["value"]).all()
    figure.supxlabel(CAPTION + " Infinite scores are left out." * infinite)
    name_lines(figure, ends)
    return figure


def _centre(values: pd.Series) -> float:
    """Return the geometric mean of scores, or their mean where one is not positive."""
    return float(np.exp(np.log(values).mean()) if (values > 0).all() else values.mean())
