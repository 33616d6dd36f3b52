"""Fan charts of sampled futures (`--task forecast`), one panel per model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import distinct, file_stem, first_seeds, outer_labels, say_in, stacked
from genbench.figures.shared.titles import head, order_of, room, score_line
from genbench.plotting.canvas import panels
from genbench.plotting.ranges import limits, say_outside
from genbench.plotting.style import FAINT, INK, colour_of
from genbench.plotting.ticks import less_offset
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

COLUMNS, BEFORE, FUTURES = 3, 36, 3  # panels beside each other, steps of the past, and futures of a model
QUANTILES = ("2.5 %", "25 %", "median", "75 %", "97.5 %")  # of the futures, as the task stores them
CAPTION = (
    "Held-out data (black) and 500 futures, drawn step by step from the last values before them: "
    f"95 % and 50 % of them lie in the bands, the thick line is their median, thin lines are {FUTURES} of them."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset: `fan` for a single one, else `fan-<dataset>`."""
    places = {trial.place: trial.dataset for trial in run.trials if trial.spec.task == "forecast"}
    many = len({trial.place for trial in run.whole.trials if trial.spec.task == "forecast"}) > 1
    stems = {place: f"fan-{file_stem(dataset)}" if many else "fan" for place, dataset in places.items()}
    return {stems[place]: _figure(dataset, first_seeds(run, place), run) for place, dataset in places.items()}


def _frame(trial: TrialRecord, stored: dict[str, Array]) -> pd.DataFrame:
    """Return the lines of a model, one row per line and step; step 1 is the first of its futures."""
    start, ahead = len(stored["series"]) - len(stored["mean"]), stored["fan"].shape[1]
    lines = {"data": stored["series"][max(0, start - BEFORE) : start + ahead]}
    lines |= dict(zip(QUANTILES, stored["fan"], strict=True))
    lines |= {f"future {i + 1}": path for i, path in enumerate(stored["futures"][:FUTURES])}
    facts = {"model": trial.model, "seed": trial.seed}
    steps = {name: np.arange(ahead - len(y), ahead) + 1 for name, y in lines.items()}
    return pd.concat(pd.DataFrame(facts | {"step": steps[k], "line": k, "value": y}) for k, y in lines.items())


def _figure(dataset: str, trials: list[TrialRecord], run: RunData) -> Figure:
    """Draw each model's first seed that did not fail, in the order of the leaderboard, all on the same axes."""
    figure, places = panels(len(trials), (4.0, 2.7), COLUMNS, margin=0.8, same_axes=True)
    trials = trials[: len(places)]
    stored = [run.arrays(trial.key) if trial.status == "ok" else {} for trial in trials]
    frames = [_frame(trial, one) if one else None for trial, one in zip(trials, stored, strict=True)]
    figure.data = stacked([frame for frame in frames if frame is not None])
    if figure.data is not None:
        places[0].set_ylim(*_heights(figure.data))
    names = distinct((trial.model for trial in trials), room(places[0]))
    for panel, trial, frame in zip(places, trials, frames, strict=False):
        if frame is None:
            say_in(panel, trial.status if trial.status != "ok" else "forecasts not kept")
        else:
            _fan(panel, frame, colour_of(trial.role))
        head(panel, names[trial.model], score_line(run, trial))
        less_offset(panel.yaxis, "value")
        panel.set_xlabel("steps ahead")
    outer_labels(places)
    figure.suptitle(f"{dataset}: sampled futures, {order_of(run, trials[0].place)}")
    figure.supxlabel(CAPTION)
    return figure


def _heights(frame: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis of values: all data, and the fans as far as they are near the data."""
    data, fans = (frame["value"][frame["line"].isin(names)].to_numpy() for names in (["data"], QUANTILES))
    low, high = (float(end[0]) for end in limits(data[:, None], 0.0))
    edge, most = 0.05 * (high - low), 0.75 * (high - low)  # fans beyond are cut off
    return max(low - most, min(low, fans.min()) - edge), min(high + most, max(high, fans.max()) + edge)


def _fan(panel: Axes, frame: pd.DataFrame, colour: str) -> None:
    fan = frame[frame["line"].isin(QUANTILES)].pivot(index="step", columns="line", values="value")
    for low, high, alpha in (("2.5 %", "97.5 %", 0.2), ("25 %", "75 %", 0.35)):
        panel.fill_between(fan.index, fan[low], fan[high], color=colour, alpha=alpha, lw=0)
    futures, data = frame[frame["line"].str.startswith("future")], frame[frame["line"] == "data"]
    thin = {"color": colour, "lw": 0.5, "alpha": 0.8}
    seaborn.lineplot(futures, x="step", y="value", units="line", estimator=None, ax=panel, **thin)
    seaborn.lineplot(fan, x="step", y="median", color=colour, lw=1.6, ax=panel)
    seaborn.lineplot(data, x="step", y="value", color=INK, lw=1.1, ax=panel)
    panel.axvline(0.5, color=FAINT, lw=1, linestyle="--")
    panel.grid(True)
    least, most = panel.get_ylim()
    say_outside(panel, int(((data["value"] < least) | (data["value"] > most)).sum()))
