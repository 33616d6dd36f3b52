"""Scores and seconds against dimension and number of training points (`--task scaling`)."""

from __future__ import annotations

from itertools import product

import pandas as pd
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.analysis.scaling import AXES, COSTS, Exponent, exponents, line_of
from genbench.analysis.scores import card_of
from genbench.core.registry import discover
from genbench.figures.shared.lines import draw_lines, height_of, name_lines
from genbench.figures.shared.panels import by_dataset
from genbench.figures.shared.titles import with_unit
from genbench.plotting.canvas import panels
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

WIDTH, HEIGHT = 5.2, 3.4  # inches of a panel with the names beside it
COST_LABELS = {"train_seconds": "training (seconds)", "sample_seconds": "10,000 samples (seconds)"}
CAPTION = (
    "Each point is a training run of its own with the same budget. Thin lines: seeds; thick: their medians. Beside "
    "names, where they have room: the exponent of a power law and its 95 % interval, of four positive points or more."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset: `scaling` for a single one, else `scaling-<dataset>`."""
    trials = [trial for trial in run.trials if trial.scaling]
    powers = exponents(run)
    names = [trial.dataset for trial in trials]
    return by_dataset(
        run, "scaling", names, lambda name: _figure(name, [t for t in trials if t.dataset == name], powers)
    )


def _frame(trials: list[TrialRecord], quantities: list[str]) -> pd.DataFrame:
    """Return one row per trial, axis, size along it, and quantity, of those with a finite value."""
    rows = [
        (t.model, t.role, t.seed, axis, size, name, value)
        for name in quantities
        for axis in AXES
        for t in trials
        for line in [line_of([t], name, axis)]
        for size, value in zip(line.x, line.y, strict=True)
    ]
    return pd.DataFrame(rows, columns=["model", "role", "seed", "axis", "size", "quantity", "value"])


def _figure(dataset: str, trials: list[TrialRecord], powers: list[Exponent]) -> Figure:
    """Draw a row of panels for each quantity, with a panel for each axis along which it was measured."""
    discover(groups=("metrics",))
    models = list(dict.fromkeys(trial.model for trial in trials if trial.role != "oracle"))
    known = dict.fromkeys(name for trial in trials for row in trial.scaling for name in row if name not in AXES)
    quantities = sorted(known, key=lambda name: (name in COSTS, card_of(name).order))
    frame = _frame(trials, quantities)
    axes = [axis for axis in AXES if frame["size"][frame["axis"] == axis].nunique() > 1]
    size = (WIDTH, height_of(frame, HEIGHT))
    figure, places = panels(len(quantities) * len(axes), size, len(axes), margin=0.8)
    figure.data, ends = frame, {}
    for panel, (name, axis) in zip(places, product(quantities, axes), strict=False):
        its = frame[(frame["quantity"] == name) & (frame["axis"] == axis)]
        its = its[(its["role"] != "oracle") | (name not in COSTS)]
        its = its[its["value"] > 0] if (its["value"] > 0).any() else its  # a power law has no others
        found = {p.model: _power(p) for p in powers if (p.dataset, p.quantity, p.axis) == (dataset, name, axis)}
        ends[panel] = draw_lines(panel, its, models, "size", "median", also=found)
        panel.set(xlabel=AXES[axis], ylabel=COST_LABELS[name] if name in COSTS else with_unit(name))
    figure.suptitle(f"{dataset}: how scores and seconds grow")
    figure.supxlabel(CAPTION)
    name_lines(figure, ends)
    return figure


def _power(power: Exponent) -> str:
    half = (power.high - power.low) / 2
    return f" {round(power.slope, 2) + 0.0:.2f} ± {half:.2f}".replace("-", "−")
