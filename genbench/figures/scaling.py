"""Scores and seconds against the dimension and the number of training points, from runs with `--task scaling`."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.analysis.scaling import AXES, COSTS, Axis, Exponent, exponents, line_of
from genbench.analysis.scores import card_of
from genbench.core.registry import discover
from genbench.figures.shared.panels import by_dataset, distinct
from genbench.plotting.canvas import new_figure
from genbench.plotting.labels import End, Look, name_ends, plain, styles
from genbench.plotting.style import INK
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

WIDTH, HEIGHT = 4.6, 3.4  # inches of a panel with the names beside it
LONGEST = 18  # letters of a name
COST_LABELS = {"train_seconds": "training (seconds)", "sample_seconds": "10,000 samples (seconds)"}
CAPTION = (
    "Each point is a training run of its own with the same budget; lines join the medians over seeds. Beside each "
    "name: the exponent of a power law with its 95 % interval, where four points or more are positive."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `scaling` for a single one, else `scaling-<dataset>`."""
    trials = [trial for trial in run.trials if trial.scaling]
    powers = exponents(run)
    names = [trial.dataset for trial in trials]
    return by_dataset(
        run, "scaling", names, lambda name: _figure(name, [t for t in trials if t.dataset == name], powers)
    )


def _figure(dataset: str, trials: list[TrialRecord], powers: list[Exponent]) -> Figure:
    discover(groups=("metrics",))
    models = list(dict.fromkeys(trial.model for trial in trials if trial.role != "oracle"))
    looks, short = styles(models), distinct(models, LONGEST)
    known = dict.fromkeys(name for trial in trials for row in trial.scaling for name in row)
    metrics = sorted((name for name in known if name not in (*AXES, *COSTS)), key=lambda name: card_of(name).order)
    columns = [*metrics, *(name for name in COSTS if name in known)]
    axes = [axis for axis in AXES if any(len(set(line_of(trials, name, axis).x)) > 1 for name in columns)]
    figure = new_figure(WIDTH * len(columns), HEIGHT * len(axes) + 1.2)
    panels = figure.subplots(len(axes), len(columns), squeeze=False)
    ends = {}
    for axis, row in zip(axes, panels, strict=True):
        for name, panel in zip(columns, row, strict=True):
            found = {p.model: p for p in powers if (p.dataset, p.quantity, p.axis) == (dataset, name, axis)}
            written = {model: _name(short[model], found.get(model)) for model in models}
            ends[panel] = _panel(panel, name, axis, trials, looks, written)
    figure.suptitle(f"{dataset}: how scores and seconds grow")
    figure.supxlabel(CAPTION)
    name_ends(figure, ends)
    return figure


def _name(model: str, power: Exponent | None) -> str:
    if power is None:
        return model
    slope, low, high = (
        f"{round(value, 2) + 0.0:.2f}".replace("-", "−") for value in (power.slope, power.low, power.high)
    )
    return f"{model} {slope} ({low}, {high})"


def _panel(
    panel: Axes,
    quantity: str,
    axis: Axis,
    trials: list[TrialRecord],
    looks: dict[str, Look],
    written: dict[str, str],
) -> list[End]:
    """Draw the points of each model and a line through their medians; return the ends of the lines."""
    ends = []
    lines = {model: line_of([t for t in trials if t.model == model], quantity, axis) for model in looks}
    positive = bool(sum((line.y > 0).sum() for line in lines.values()))
    for model, line in lines.items():
        shown = line.y > 0 if positive else np.full(len(line.y), True)
        x, y = line.x[shown], line.y[shown]
        if len(x):
            places = np.unique(x)
            medians = [float(np.median(y[x == place])) for place in places]
            panel.plot(x, y, "o", color=looks[model]["color"], markersize=2.5, alpha=0.5)
            panel.plot(places, medians, lw=1.6, markersize=5, **looks[model])
            ends.append(End(written[model], (float(places[-1]), medians[-1]), looks[model]["color"]))
    oracle = line_of([t for t in trials if t.role == "oracle"], quantity, axis)
    if quantity not in COSTS and (oracle.y > 0).any():
        fine = oracle.y > 0
        panel.plot(oracle.x[fine], oracle.y[fine], color=INK, lw=1, linestyle="--")
        last = (oracle.x[fine][-1], oracle.y[fine][-1])
        panel.annotate("oracle", last, (0, 3), textcoords="offset points", va="bottom", ha="right")
    card = None if quantity in COSTS else card_of(quantity)
    label = COST_LABELS[quantity] if card is None else card.label + (f" ({card.unit})" if card.unit else "")
    panel.set(xscale="log", yscale="log" if positive else "linear", xlabel=AXES[axis], ylabel=label)
    plain(panel.xaxis)
    if positive:
        plain(panel.yaxis)
    panel.grid(True, which="both")
    return ends
