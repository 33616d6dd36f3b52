"""Samples of every seed side by side: the differences between training runs."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.display import formatting
from genbench.display.numbers import brief
from genbench.figures.shared.panels import by_dataset, distinct, say_in, stacked, truth
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head, room
from genbench.plotting.canvas import panels
from genbench.plotting.style import INK, colour_of
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

MOST, POINTS, SIDE = 5, 1_500, 4  # seeds that are shown, points of each, and images along a side of a grid
WIDE = 6  # panels beside each other, about: all seeds of one model, or of two or three
TRUTH = "truth"  # in the place of a model
DOT = 1.5  # square points of a dot, at least
SIZE, TEXT = 1.75, 0.6  # inches of a panel, and of the lines above it


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset with samples of several seeds, by file stem.

    The stem is `seed_samples` for a single dataset, else `seed_samples-<dataset>`.
    """
    sampled = dict.fromkeys((trial.dataset, trial.seed) for trial in run.trials if trial.sampled)
    seeds = Counter(dataset for dataset, _ in sampled)
    several = [name for name, count in seeds.items() if count > 1]
    return by_dataset(run, "seed_samples", several, lambda name: _figure(run, name))


def _figure(run: RunData, dataset: str) -> Figure:
    """Draw a panel for each seed of each model, in the order of the leaderboard, those of one model side by side."""
    models = [row.model for row in run.leaderboard().rows if row.place == dataset]
    trials = {(t.model, t.seed): t for t in run.trials if t.place == dataset}
    seeds = sorted({seed for _, seed in trials})[:MOST]
    of = {seed: next(t for t in trials.values() if t.seed == seed) for seed in seeds}
    first, metric = next(iter(trials.values())), run.leaderboard().sort
    view = SamplePanel(first, dots=POINTS, side=SIDE, noted=0.0)
    count, wide = len(seeds), max(len(seeds), WIDE - WIDE % len(seeds))
    size, total = (SIZE, SIZE * view.aspect + TEXT), (len(models) + 1) * count
    figure, places = panels(total, size, wide, margin=0.6, gap=0.06, text=TEXT, block=count)
    names = distinct(models, room(places[0])) | {TRUTH: TRUTH}
    frames: list[pd.DataFrame] = []
    for panel, (model, seed) in zip(places, product([TRUTH, *models], seeds), strict=False):
        panel.set(xticks=[], yticks=[])
        trial = trials.get((model, seed))
        x, score = (truth(of[seed], view.n), "") if model == TRUTH else _samples(run, panel, trial)
        head(panel, names[model] if seed == seeds[0] else "", f"seed {seed}{score}")
        if x is None:
            panel.set_box_aspect(view.aspect)
            continue
        view.show(panel, x[: view.n], colour_of(trial.role) if trial else INK, DOT)
        frames += view.tidy(x[: view.n], model=model, seed=seed)
    figure.data = stacked(frames)
    scores = f", and its {formatting.label(metric)}" if metric else ""
    figure.suptitle(f"{dataset}: samples of each seed{scores}")
    return figure


def _samples(run: RunData, panel: Axes, trial: TrialRecord | None) -> tuple[Array | None, str]:
    """Return the samples of a trial and its score in words; where there are no samples, say why in the panel."""
    samples = None if trial is None else run.samples(trial.key)
    if trial is None or trial.status != "ok" or samples is None:
        say_in(panel, "not run" if trial is None else "not kept" if trial.status == "ok" else trial.status)
        return None, ""
    value = trial.metrics.get(run.leaderboard().sort or "")
    return samples, "" if value is None else f": {brief(value)}"
