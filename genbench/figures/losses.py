"""Training and validation losses during each training run, one panel per loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from genbench.analysis.run_data import RunData
from genbench.figures.shared.panels import by_dataset, distinct, say_in
from genbench.figures.shared.titles import head, room
from genbench.plotting.canvas import DataFigure, panels
from genbench.plotting.ranges import comparable
from genbench.plotting.style import BLUE, VERMILLION
from genbench.plotting.ticks import plain
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

COLUMNS = (4, 5, 3)  # panels beside each other: whichever leaves the fewest places empty
STEPS = 50  # points of a line at most; more are no smoother in two inches
FIRST = 0.02  # share of the training run whose losses do not set the height of a panel
REACH = 2.0  # times the range of the training losses that is shown above them, for validation losses that rise
LOOKS: dict[str, dict[str, Any]] = {  # of the losses on the points for training and for validation
    "training": {"color": BLUE, "linewidth": 1.2},
    "validation": {
        "color": VERMILLION,
        "linewidth": 1.0,
        "linestyle": ":",
        "marker": "o",
        "markersize": 3,
        "markeredgecolor": "white",
        "markeredgewidth": 0.75,
    },
}
NOTE = (
    "Lines: the median over seeds; bands: from the least to the greatest. Blue: the loss on the training points, a "
    "mean over the steps since the point before. Orange-red, dotted: the validation loss of the averaged weights, "
    "whose least value decides which weights stay. Losses of different models are different quantities; do not compare "
    "their heights. The first steps, and losses that rise steeply, may lie beyond the axes."
)


def draw(run: RunData) -> dict[str, DataFigure]:
    """Return one figure per dataset on which a model was trained step by step, by file stem.

    The stem is `losses` for a single dataset, else `losses-<dataset>`.
    """
    trained = [trial for trial in run.trials if trial.history or _died_training(trial)]
    names = dict.fromkeys(trial.dataset for trial in trained if trial.history)
    return by_dataset(run, "losses", names, lambda name: _figure(name, [t for t in trained if t.dataset == name]))


def _died_training(trial: TrialRecord) -> bool:
    return trial.error is not None and trial.error.phase == "fit"


def _figure(dataset: str, trials: list[TrialRecord]) -> DataFigure:
    """Draw a panel for each loss of each model, in the order of the run."""
    frame = _frame(trials)
    models = dict.fromkeys(trial.model for trial in trials)
    losses = {model: frame.loc[frame["model"] == model, "loss"].unique().tolist() or [""] for model in models}
    places = [(model, loss) for model, its in losses.items() for loss in its]
    figure, axes = panels(len(places), (3.1, 2.5), COLUMNS, margin=1.0)
    figure.data = frame
    names = distinct(models, room(axes[0]) - 2)  # room for a colon, and for wide letters
    for panel, (model, loss) in zip(axes, places, strict=False):
        head(panel, names[model] if loss in {"", "loss"} else f"{names[model]}: {loss}")
        lost = [f"seed {t.seed}: {t.status}" for t in trials if t.model == model and _died_training(t)]
        _panel(panel, frame[(frame["model"] == model) & (frame["loss"] == loss)], lost)
    figure.suptitle(f"{dataset}: losses in the course of the training")
    figure.supxlabel(NOTE)
    return figure


def _frame(trials: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return a tidy frame: a row for each model, seed, loss, step, and kind of points (`on`) that it is the loss of."""
    facts = ["dataset", "model", "seed", "step"]
    wide = []
    for trial in (trial for trial in trials if trial.history):
        columns = pd.DataFrame({name: pd.Series(values, dtype=float) for name, values in trial.history.items()})
        wide.append(columns.assign(dataset=trial.dataset, model=trial.model, seed=trial.seed))
    long = pd.concat(wide).melt(facts, var_name="loss", value_name="value").dropna()
    held_out = long["loss"] == "validation"
    long["on"] = np.where(held_out, "validation", "training")
    long.loc[held_out, "loss"] = "loss"
    plain_loss = long["model"].isin(long.loc[(long["loss"] == "loss") & ~held_out, "model"])
    return long[~held_out | plain_loss][["dataset", "model", "loss", "on", "seed", "step", "value"]]


def _panel(panel: Axes, its: pd.DataFrame, lost: list[str]) -> None:
    """Draw the losses of a model; `lost` names the seeds that failed while they were trained."""
    if its.empty:
        panel.set(xticks=[], yticks=[])
        say_in(panel, "\n".join(lost) or "no history")
        return
    if lost:
        panel.text(0.97, 0.95, "\n".join(lost), transform=panel.transAxes, ha="right", va="top", color=VERMILLION)
    shown = its[comparable(its["value"].to_numpy())]  # without losses that exploded
    for on, looks in LOOKS.items():
        if len(part := shown[shown["on"] == on]):
            seeds = _at_common_steps(part).groupby("step")["value"].agg(["min", "median", "max"])
            panel.fill_between(seeds.index, seeds["min"], seeds["max"], color=looks["color"], alpha=0.2, linewidth=0)
            panel.plot(seeds.index, seeds["median"], **looks)
    _set_height(panel, shown[shown["step"] >= FIRST * its["step"].max()])
    panel.ticklabel_format(axis="x", style="plain", useOffset=False)
    panel.locator_params(axis="x", nbins=4)
    panel.set(xlabel="step", ylabel="")
    panel.grid(True)


def _at_common_steps(its: pd.DataFrame) -> pd.DataFrame:
    """Return losses at `STEPS` steps at most, which are the same for all seeds."""
    most = min(STEPS, int(its.groupby("seed").size().max()))
    if its["step"].nunique() <= most:
        return its
    width = its["step"].max() / most
    near = its.assign(step=(its["step"] / width).round() * width)
    return near.groupby(["seed", "step"])["value"].mean().reset_index()


def _set_height(panel: Axes, later: pd.DataFrame) -> None:
    """Set the height to the losses after the first steps, logarithmic if they span a decade."""
    if later.empty:
        return
    low, high = float(later["value"].min()), float(later["value"].quantile(0.98))
    if low > 0 and high > 10 * low:
        panel.set(yscale="log", ylim=(low / 1.2, high * 1.3))
        plain(panel.yaxis)
    elif high > low:
        training = later.loc[later["on"] == "training", "value"]
        high = min(high, training.max() + REACH * np.ptp(training)) if np.ptp(training) else high
        room = 0.08 * (high - low)
        panel.set_ylim(low - room, high + 2 * room)
