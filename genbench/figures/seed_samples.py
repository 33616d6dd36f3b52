"""Samples of every seed beside each other: what changes from one training run and its data to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.display import formatting
from genbench.display.numbers import brief
from genbench.figures.shared.panels import by_dataset, dataset_of, distinct, is_image, say_in, truth
from genbench.plotting.canvas import new_figure
from genbench.plotting.image_grid import draw_mosaic, seen
from genbench.plotting.projection import view_of
from genbench.plotting.ranges import say_outside
from genbench.plotting.style import INK, colour_of
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

Show = Callable[[Axes, Array, str], None]

MOST, POINTS, SIDE = 5, 1_500, 4  # seeds that are shown, points of each, and images along a side of a grid
WIDE = 6  # panels beside each other: all seeds of one model, or of two or three
SIZE = 1.75  # inches of a panel


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure a dataset that was sampled with several seeds: `seed_samples`, or `seed_samples-<dataset>`."""
    sampled = dict.fromkeys((trial.dataset, trial.seed) for trial in run.trials if trial.sampled)
    seeds = Counter(dataset for dataset, _ in sampled)
    several = [name for name, count in seeds.items() if count > 1]
    return by_dataset(run, "seed_samples", several, lambda name: _figure(run, name))


def _figure(run: RunData, dataset: str) -> Figure:
    """Draw a row of panels for each model, in the order of the leaderboard, several models beside each other."""
    models = [row.model for row in run.leaderboard().rows if row.place == dataset]
    trials = {(t.model, t.seed): t for t in run.trials if t.place == dataset}
    seeds = sorted({seed for _, seed in trials})[:MOST]
    first = next(iter(trials.values()))
    show, aspect = _images(run, first) if is_image(run, dataset) else _points(first)
    blocks = min(WIDE // len(seeds) or 1, -(-(len(models) + 1) // 2))
    rows = -(-(len(models) + 1) // blocks)
    figure = new_figure(SIZE * len(seeds) * blocks + 0.4, (SIZE * aspect + 0.42) * rows + 0.6)
    figure.get_layout_engine().set(hspace=0.02, wspace=0.025)  # type: ignore[union-attr, call-arg]
    parts = figure.subfigures(rows, blocks, squeeze=False, wspace=0.06).T.ravel()
    names = distinct(models, 20 * len(seeds))
    for part, model in zip(parts, [None, *models], strict=False):
        panels = part.subplots(1, len(seeds), squeeze=False)[0]
        part.suptitle("truth" if model is None else names[model], fontsize="large", fontweight="bold")
        for panel, seed in zip(panels, seeds, strict=True):
            panel.set(xticks=[], yticks=[])
            if model is None:
                show(panel, truth(next(t for t in trials.values() if t.seed == seed), POINTS), INK)
                panel.set_title(f"seed {seed}", fontsize="medium")
            else:
                _panel(run, panel, trials.get((model, seed)), show)
    metric = run.leaderboard().sort
    scores = f", and its {formatting.label(metric)}" if metric else ""
    figure.suptitle(f"{dataset}: samples of each seed{scores}")
    return figure


def _panel(run: RunData, panel: Axes, trial: TrialRecord | None, show: Show) -> None:
    """Show the samples of a trial with their score, or say why there are none."""
    samples = None if trial is None else run.samples(trial.key)
    if trial is None or trial.status != "ok" or samples is None:
        panel.set_title("" if trial is None else f"seed {trial.seed}", fontsize="medium")
        say_in(panel, "not run" if trial is None else "not kept" if trial.status == "ok" else trial.status)
        return
    show(panel, samples, colour_of(trial.role))
    value = trial.metrics.get(run.leaderboard().sort or "")
    panel.set_title(f"seed {trial.seed}" + ("" if value is None else f": {brief(value)}"), fontsize="medium")


def _points(first: TrialRecord) -> tuple[Show, float]:
    """Return what scatters points [n, *shape] in a panel, and the height of a panel as a share of its width."""
    view = view_of(truth(first, 4_000))

    def show(panel: Axes, points: Array, colour: str) -> None:
        view.show(panel, points[:POINTS], colour, size=1.5)
        say_outside(panel, view.outside(points[:POINTS]))
        view.frame(panel)

    return show, view.aspect


def _images(run: RunData, first: TrialRecord) -> tuple[Show, float]:
    """Return what draws images [n, c, h, w] in a panel, and the height of a panel as a share of its width."""
    real, levels = truth(first, SIDE**2), dataset_of(first).levels
    limits = float(real.min()), float(real.max())

    def show(panel: Axes, images: Array, colour: str) -> None:
        draw_mosaic(panel, seen(images[: SIDE**2], levels, limits), SIDE)

    return show, 1.0
