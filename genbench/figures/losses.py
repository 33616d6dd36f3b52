"""Losses in the course of each training run, on the training and on the validation points; a panel for each loss."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import by_dataset, distinct, even, panels, say_in
from genbench.plotting.labels import plain
from genbench.plotting.ranges import comparable
from genbench.plotting.style import BLUE, VERMILLION
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

COLUMNS = (4, 5, 3)  # panels beside each other: whichever leaves the fewest places empty
HELD_OUT = "validation"
Curve = tuple[Array, Array]  # steps [n] and values [n] of one column of a history
NOTE = (
    "A line is a seed: means over the steps between two rows of the history (blue), and the validation loss of the "
    "averaged weights (orange-red, dotted points), whose least value decides which weights stay. Losses of different "
    "models are different quantities; do not compare their heights. The first steps may lie beyond the axes."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset on which something was trained step by step: `losses`, or `losses-<dataset>`."""
    trained = [trial for trial in run.trials if trial.history or _died_training(trial)]
    names = dict.fromkeys(trial.dataset for trial in trained if trial.history)
    return by_dataset(run, "losses", names, lambda name: _figure(name, [t for t in trained if t.dataset == name]))


def _died_training(trial: TrialRecord) -> bool:
    return trial.error is not None and trial.error.phase == "fit"


def _figure(dataset: str, trials: list[TrialRecord]) -> Figure:
    """Draw a panel for each loss of each model, in the order in which they were asked for."""
    by_model = {one.model: [trial for trial in trials if trial.model == one.model] for one in trials}
    places = [(model, loss) for model, its in by_model.items() for loss in _losses(its)]
    figure, axes = panels(len(places), (3.1, 2.5), even(len(places), COLUMNS), margin=1.0)
    names = distinct(by_model)
    for panel, (model, loss) in zip(axes, places, strict=True):
        panel.set_title(names[model] if loss in {"", "loss"} else f"{names[model]}: {loss}")
        _panel(panel, by_model[model], loss)
    figure.suptitle(f"{dataset}: losses in the course of the training")
    figure.supxlabel(NOTE)
    return figure


def _losses(trials: Iterable[TrialRecord]) -> list[str]:
    """Return the names of the losses of a model's training runs; a single empty one where none was stored."""
    names = dict.fromkeys(name for trial in trials for name in trial.history)
    return [name for name in names if name not in {"step", HELD_OUT}] or [""]


def _panel(panel: Axes, trials: list[TrialRecord], loss: str) -> None:
    training = [curve for trial in trials if (curve := _curve(trial, loss))]
    held_out = [curve for trial in trials if (curve := _curve(trial, HELD_OUT))] if loss == "loss" else []
    for curve in training:
        panel.plot(*curve, color=BLUE, lw=0.9, alpha=0.8)
    for curve in held_out:
        panel.plot(*curve, color=VERMILLION, lw=1, marker="o", markersize=2.5, linestyle=":")
    lost = [f"seed {trial.seed}: {trial.status}" for trial in trials if _died_training(trial)]
    if not training:
        panel.set(xticks=[], yticks=[])
        say_in(panel, "\n".join(lost) or "no history")
        return
    if lost:
        panel.text(0.97, 0.95, "\n".join(lost), transform=panel.transAxes, ha="right", va="top", color=VERMILLION)
    _frame(panel, [*training, *held_out])
    panel.set_xlabel("step")
    panel.grid(True)


def _frame(panel: Axes, curves: list[Curve]) -> None:
    """Let the heights be those after the first steps, logarithmic where they are positive and span a decade."""
    end = max(float(steps[-1]) for steps, _ in curves)
    later = np.concatenate([values[steps >= 0.02 * end] for steps, values in curves])
    later = later[comparable(later)]  # a loss that exploded leaves the panel
    if not len(later):
        return
    low, high = float(later.min()), float(np.quantile(later, 0.98))
    if low > 0 and high > 10 * low:
        panel.set(yscale="log", ylim=(low / 1.2, high * 1.3))
        plain(panel.yaxis)
    elif high > low:
        room = 0.08 * (high - low)
        panel.set_ylim(low - room, high + 2 * room)
    panel.ticklabel_format(axis="x", style="plain", useOffset=False)
    panel.locator_params(axis="x", nbins=4)


def _curve(trial: TrialRecord, name: str) -> Curve | None:
    """Return a column of a trial's history where it has values; None if it has none."""
    rows = zip(trial.history.get("step", []), trial.history.get(name, []), strict=False)
    found = [(step, value) for step, value in rows if value is not None]
    if not found:
        return None
    steps, values = np.array(found, dtype=np.float64).T
    return steps, values
