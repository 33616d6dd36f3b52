"""One panel a model, the truth first: what the figures share that show samples side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from genbench.dataset import Array, Dataset
from genbench.parameters import create
from genbench.record import TrialRecord
from genbench.registry import REGISTRY, discover
from genbench.seeding import stream

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from genbench.results import Run

__all__ = [
    "by_dataset",
    "dataset_of",
    "datasets_of",
    "first_seeds",
    "is_image",
    "of_task",
    "panels",
    "score_line",
    "show_each",
    "truth",
]

Show = Callable[["Axes", TrialRecord, Array, str], None]
FAILED = "#D55E00"
LONGEST = 27  # letters of a model's name in a title


def by_dataset(run: Run, stem: str, datasets: Iterable[str], draw: Callable[[str], Figure]) -> dict[str, Figure]:
    """Return a figure for each of some datasets by file stem: `stem` in a run of one, else `stem-<dataset>`."""
    many = len({trial.dataset for trial in run.trials if trial.sampled}) > 1
    return {f"{stem}-{name}" if many else stem: draw(name) for name in dict.fromkeys(datasets)}


def datasets_of(run: Run, *, images: bool) -> list[str]:
    """Return the datasets of a run that were sampled and hold images, or those that do not."""
    names = dict.fromkeys(trial.dataset for trial in run.trials if trial.sampled)
    return [name for name in names if is_image(run, name) == images]


def is_image(run: Run, dataset: str) -> bool:
    """Whether a dataset of a run holds images, which no scatter plot shows."""
    spec = next(trial.spec for trial in run.trials if trial.dataset == dataset)
    discover(spec.plugins)
    return bool(REGISTRY["datasets"][spec.dataset_name].kind == "image")


def first_seeds(run: Run, dataset: str) -> list[TrialRecord]:
    """Return of each model the trial of the least seed that did not fail (where all did, of the least), leader first.

    The order is the leaderboard's.
    """
    models = [row.model for row in run.leaderboard().rows if row.place == dataset]
    trials = [trial for trial in run.trials if trial.place == dataset]
    return [
        min((t for t in trials if t.model == model), key=lambda trial: (trial.status != "ok", trial.seed))
        for model in models
    ]


def dataset_of(trial: TrialRecord) -> Dataset:
    """Return the dataset of a trial.

    Raises:
        GenbenchError: its plugin is not there any more.
    """
    discover(trial.spec.plugins)
    dataset: Dataset = create(REGISTRY["datasets"][trial.spec.dataset_name], trial.spec.dataset_params)
    return dataset


def truth(trial: TrialRecord, n: int) -> Array:
    """Return n pieces of the dataset of a trial, [n, *shape].

    Raises:
        GenbenchError: the dataset's plugin is not there any more.
    """
    return dataset_of(trial).reference(n, stream(trial.seed, "data"))


def of_task(run: Run, stem: str, task: str, draw: Callable[[str, list[TrialRecord]], Figure]) -> dict[str, Figure]:
    """Return a figure for each dataset of the plane on which a task of its own was run, of the trials that went well.

    `draw(place, trials)` is given each model's first seed, leader first.
    """
    ok = [trial for trial in run.trials if trial.spec.task == task and trial.status == "ok"]
    places = {trial.place: trial.dataset for trial in ok}
    flat = {place: name for place, name in places.items() if _in_the_plane(ok, place)}
    figures = {}
    for place, name in flat.items():
        trials = [trial for trial in first_seeds(run, place) if trial.status == "ok"]
        figures[f"{stem}-{name}" if len(places) > 1 else stem] = draw(place, trials)
    return figures


def _in_the_plane(trials: Iterable[TrialRecord], place: str) -> bool:
    return dataset_of(next(trial for trial in trials if trial.place == place)).shape == (2,)


def panels(
    count: int, size: tuple[float, float], columns: int, margin: float = 0.4, gap: float | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a figure, and at least `count` panels of so many inches in rows.

    Args:
        columns: panels beside each other, at most.
        margin: inches of height beside the panels, for titles and captions.
        gap: room between panels, as a share of their width; None for matplotlib's.
    """
    from matplotlib.figure import Figure

    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * rows + margin), layout="constrained")
    grid = {} if gap is None else {"wspace": gap}
    return figure, list(figure.subplots(rows, columns, squeeze=False, gridspec_kw=grid).ravel())


def show_each(run: Run, places: Iterable[Axes], trials: Iterable[TrialRecord], show: Show) -> None:
    """Call `show(panel, trial, samples, name)` for each trial that has samples; where one has none, say why."""
    for panel, trial in zip(places, trials, strict=False):
        samples = run.samples(trial.key)
        name = trial.model if len(trial.model) <= LONGEST else trial.model[: LONGEST - 1] + "…"
        if trial.status != "ok" or samples is None:
            panel.text(0.5, 0.5, trial.status, transform=panel.transAxes, ha="center", va="center", color=FAILED)
            panel.set_title(name, fontsize=10)
        else:
            show(panel, trial, samples, name)


def score_line(run: Run, trial: TrialRecord) -> str:
    """Return a line with the score by which the leaderboard is sorted, to go below a title; empty where it is none."""
    metric = run.leaderboard().sort
    value = trial.metrics.get(metric) if metric else None
    return f"\n{metric} {value:.3g}" if value is not None else ""
