"""Fan charts of sampled futures, from runs with `--task forecast`: a panel a model, one figure a dataset."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.panels import distinct, file_stem, first_seeds, panels, say_in
from genbench.plotting.labels import less_offset
from genbench.plotting.ranges import limits, say_outside
from genbench.plotting.style import FAINT, INK, colour_of
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

COLUMNS, BEFORE = 3, 36  # panels beside each other, and steps of the past
CAPTION = (
    "Held-out data (black) and 500 futures, drawn step by step from the last values before them without seeing any: "
    "95 % and 50 % of them lie in the bands, the line is their median, thin lines are three of them."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset: `fan` for a single one, else `fan-<dataset>`."""
    places = {trial.place: trial.dataset for trial in run.trials if trial.spec.task == "forecast"}
    many = len({trial.place for trial in run.whole.trials if trial.spec.task == "forecast"}) > 1
    stems = {place: f"fan-{file_stem(dataset)}" if many else "fan" for place, dataset in places.items()}
    return {stems[place]: _figure(dataset, first_seeds(run, place), run) for place, dataset in places.items()}


def _figure(dataset: str, trials: list[TrialRecord], run: RunData) -> Figure:
    """Draw each model's first seed that did not fail, in the order of the leaderboard."""
    figure, places = panels(len(trials), (4.2, 2.7), COLUMNS, margin=0.8)
    stored = [run.arrays(trial.key) if trial.status == "ok" else {} for trial in trials]
    values = np.concatenate([np.concatenate(_shown(one)) for one in stored if one] or [np.zeros(1)])
    low, high = (float(end[0]) for end in limits(values[:, None], 0.0))
    least = min([low, *(float(one["fan"].min()) for one in stored if one)])
    most = max([high, *(float(one["fan"].max()) for one in stored if one)])
    room, edge = 0.75 * (high - low), 0.05 * (high - low)  # a fan that goes farther is cut
    names = distinct(trial.model for trial in trials)
    for panel, trial, one in zip(places, trials, stored, strict=True):
        panel.set_title(names[trial.model])
        if not one:
            say_in(panel, trial.status)
            continue
        _fan(panel, trial, one)
        panel.set_ylim(max(low - room, least - edge), min(high + room, most + edge))
        less_offset(panel.yaxis, "value")
        bottom, top = panel.get_ylim()
        say_outside(panel, int(sum(((part < bottom) | (part > top)).sum() for part in _shown(one))))
    figure.suptitle(f"{dataset}: sampled futures")
    figure.supxlabel(CAPTION)
    return figure


def _shown(stored: dict[str, Array]) -> tuple[Array, Array]:
    """Return the past that is shown and the held-out values beside the futures."""
    start, steps = len(stored["series"]) - len(stored["mean"]), stored["fan"].shape[1]
    return stored["series"][max(0, start - BEFORE) : start], stored["series"][start : start + steps]


def _fan(panel: Axes, trial: TrialRecord, stored: dict[str, Array]) -> None:
    before, after = _shown(stored)
    steps, colour = np.arange(1, len(after) + 1), colour_of(trial.role)
    lowest, low, median, high, highest = stored["fan"]
    panel.fill_between(steps, lowest, highest, color=colour, alpha=0.2, lw=0)
    panel.fill_between(steps, low, high, color=colour, alpha=0.35, lw=0)
    panel.plot(steps, stored["futures"][:3].T, color=colour, lw=0.5, alpha=0.8)
    panel.plot(steps, median, color=colour, lw=1.6)
    panel.plot(np.arange(1 - len(before), len(after) + 1), np.concatenate([before, after]), color=INK, lw=1.1)
    panel.axvline(0.5, color=FAINT, lw=1, linestyle="--")
    panel.grid(True)
    panel.set_xlabel("steps from the last value seen")
