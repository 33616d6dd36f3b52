"""Datasets, trials and names for figures: what to draw, in which order, with which name."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbench.analysis.leaderboard import grouped
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row
from genbench.contracts.data_files import reopened
from genbench.contracts.dataset import DATASETS, Dataset, Sizes, Splits
from genbench.core.errors import collected_warnings
from genbench.core.recorded_plugins import NeedsPlugin, discover_recorded, require
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.figures.shared.titles import head, room
from genbench.plotting.style import FAILED
from genbench.storage.records import TrialRecord

__all__ = [
    "by_dataset",
    "by_table",
    "dataset_of",
    "datasets_of",
    "distinct",
    "file_stem",
    "first_seeds",
    "is_image",
    "levels_of",
    "oracle_samples",
    "outer_labels",
    "planar_datasets",
    "say_in",
    "short",
    "show_each",
    "splits_of",
    "stacked",
    "stem_of",
    "truth",
    "truth_or_stored",
]

F = TypeVar("F", bound=Figure)
Show = Callable[["Axes", TrialRecord, Array, str], None]
LONGEST = 27  # letters of a model's name in a title
STEM = 60  # letters of a dataset's name in that of a file: 240 bytes at most


def by_dataset(
    run: RunData,
    stem: str,
    datasets: Iterable[str],
    draw: Callable[[str], F],
    counted: Callable[[TrialRecord], bool] = lambda trial: trial.sampled,
) -> dict[str, F]:
    """Return a figure for each dataset by file stem, see `stem_of`."""
    return {stem_of(run, stem, name, counted): draw(name) for name in dict.fromkeys(datasets)}


def stem_of(
    run: RunData, stem: str, dataset: str, counted: Callable[[TrialRecord], bool] = lambda trial: trial.sampled
) -> str:
    """Return the file stem of a figure: `stem` in a run of one dataset, else `stem-<dataset>`.

    The datasets of a run are those of the trials that are `counted`.
    """
    many = len({trial.dataset for trial in run.whole.trials if counted(trial)}) > 1
    return f"{stem}-{file_stem(dataset)}" if many else stem


def by_table(run: RunData, stem: str, draw: Callable[[list[Row]], F | None]) -> dict[str, F]:
    """Return a figure for each table of the leaderboard, by file stem.

    The stem for the table of a task is `stem-<dataset>-<task>`.

    Args:
        draw: called with the rows of a table; returns a figure or None.
    """
    tables: dict[str, list[Row]] = {}
    for row in run.leaderboard().rows:
        tables.setdefault(row.place, []).append(row)
    figures: dict[str, F] = {}
    for place, rows in sorted(tables.items(), key=lambda item: item[0] != item[1][0].dataset):  # tasks last
        if (figure := draw(rows)) is not None:
            dataset, task = rows[0].dataset, f"{stem}-{file_stem(rows[0].dataset)}-{rows[0].task}"
            figures[stem_of(run, stem, dataset) if place == dataset else task] = figure
    return figures


def datasets_of(run: RunData, *, images: bool | None = None) -> list[str]:
    """Return the sampled datasets of a run.

    They are image datasets, other datasets, or, for None, first the other ones and then images.
    """
    if images is None:
        return datasets_of(run, images=False) + datasets_of(run, images=True)
    names = dict.fromkeys(trial.dataset for trial in run.trials if trial.sampled)
    return [name for name in names if is_image(run, name) == images]


def planar_datasets(run: RunData) -> list[str]:
    """Return the datasets of points of the plane that were sampled."""
    return [name for name in datasets_of(run, images=False) if dataset_of(first_seeds(run, name)[0]).shape == (2,)]


def is_image(run: RunData, dataset: str) -> bool:
    """Whether a dataset of a run has images, which a scatter plot cannot show."""
    its = [trial for trial in run.trials if trial.dataset == dataset]
    spec = its[0].spec
    discover_recorded(spec.plugins, groups=("datasets",))
    if spec.dataset_name in DATASETS.cards:
        return bool(DATASETS[spec.dataset_name].kind == "image")
    stored = next((x for trial in its if (x := run.samples(trial.key)) is not None), None)
    return stored is not None and stored.ndim == 4  # [n, c, h, w]


def first_seeds(run: RunData, dataset: str) -> list[TrialRecord]:
    """Return one trial for each model, the leader first.

    It is the trial with the lowest seed that did not fail, or else with the lowest seed. The order is that of the
    leaderboard.
    """
    trials = grouped(run.trials)
    rows = [row for row in run.leaderboard().rows if row.place == dataset]
    return [min(trials[dataset, row.model], key=lambda trial: (trial.status != "ok", trial.seed)) for row in rows]


def dataset_of(trial: TrialRecord) -> Dataset:
    """Return the dataset of a trial.

    Raises:
        GenbenchError: its plugin or its file is missing, or the file has changed.
    """
    spec = trial.spec
    require(spec.plugins, (DATASETS, spec.dataset_name))
    with collected_warnings():  # the trial's record has them already
        return reopened(spec.dataset, spec.dataset_name, spec.dataset_params, spec.data_fingerprint)


def splits_of(trial: TrialRecord) -> Splits:
    """Return the points on which a trial was trained and tested.

    The code of its model is not needed.
    """
    with collected_warnings():
        return dataset_of(trial).splits(stream(trial.seed, "data"), Sizes(trial.spec.protocol.train))


def levels_of(trial: TrialRecord) -> int | None:
    """Return the number of grey levels of an image dataset, or None if it has none.

    It is also None if the dataset's code may not be imported.
    """
    try:
        return dataset_of(trial).levels
    except NeedsPlugin:
        return None


def truth(trial: TrialRecord, n: int) -> Array:
    """Return n points of the dataset of a trial, [n, *shape].

    Raises:
        GenbenchError: the dataset's plugin is missing.
    """
    with collected_warnings():  # the trial's record has them already
        return dataset_of(trial).reference(n, stream(trial.seed, "data"))


def truth_or_stored(run: RunData, dataset: str, n: int) -> Array:
    """Return n points of a dataset [n, *shape], or else the oracle's stored samples.

    The stored samples are used if the dataset's code may not be imported.

    Raises:
        GenbenchError: neither is available.
    """
    first = min(first_seeds(run, dataset), key=lambda trial: trial.status != "ok")
    try:
        return truth(first, n)
    except NeedsPlugin:
        if (stored := oracle_samples(run, dataset)) is None:
            raise
        return stored[:n]


def oracle_samples(run: RunData, dataset: str) -> Array | None:
    """Return the stored samples of the oracle [n, *shape], or None.

    They replace a dataset whose code is missing.
    """
    oracles = (trial for trial in run.whole.trials if trial.role == "oracle" and trial.dataset == dataset)
    return next((x for trial in oracles if (x := run.samples(trial.key)) is not None), None)


def outer_labels(places: Sequence[Axes]) -> None:
    """Keep labels of shared axes only at the left and at the bottom of a figure."""
    columns = places[0].get_gridspec().ncols  # type: ignore[union-attr]
    for k, panel in enumerate(places):
        lowest = k + columns >= len(places)  # also above an empty place
        panel.tick_params(labelbottom=lowest)
        panel.xaxis.label.set_visible(lowest)
        panel.yaxis.label.set_visible(k % columns == 0)


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame | None:
    """Return tidy frames as one, for `DataFigure.data`; None if there are no frames."""
    return pd.concat(frames, ignore_index=True) if frames else None


def short(name: str, most: int = LONGEST) -> str:
    """Return a name for a title; a long name is shortened in the middle."""
    return _cut(name, most, max(3, most // 7))


def distinct(names: Iterable[str], most: int = LONGEST) -> dict[str, str]:
    """Return the names of `short`, all different.

    Names that would be equal get longer ends or numbers.
    """
    whole = list(dict.fromkeys(names))
    for tail in (max(3, most // 7), most // 3, most // 2, 2 * most // 3, most - 4):
        found = {name: _cut(name, most, tail) for name in whole}
        if len(set(found.values())) == len(whole):
            return found
    return {name: short(name, most - 4) + f" #{i + 1}" if len(name) > most else name for i, name in enumerate(whole)}


def _cut(name: str, most: int, tail: int) -> str:
    """Return a name of at most `most` letters, of which `tail` are its last ones."""
    return name if len(name) <= most else f"{name[: most - 1 - tail]}…{name[-tail:]}"


def file_stem(name: str) -> str:
    """Return a name as part of a file name, without separators.

    A long name is cut, with a digest at its end.
    """
    plain = re.sub(r'[/\\:*?"<>|\s\x00-\x1f\x7f-\x9f]+', "_", name)
    return plain if len(plain) <= STEM else f"{plain[: STEM - 9]}-{zlib.crc32(name.encode()):08x}"


def say_in(panel: Axes, text: str) -> None:
    """Write in the middle of a panel why it is empty."""
    panel.text(0.5, 0.5, text, transform=panel.transAxes, ha="center", va="center", color=FAILED)


def show_each(run: RunData, places: Iterable[Axes], trials: Iterable[TrialRecord], show: Show) -> None:
    """Call `show(panel, trial, samples, name)` for each trial with samples.

    In the panel of a trial without samples, write the reason.
    """
    trials, places = list(trials), list(places)
    names = distinct((trial.model for trial in trials), room(places[0]))
    stored = {trial.key: run.samples(trial.key) for trial in trials}
    shapes = Counter(x.shape[1:] for trial in sorted(trials, key=_oracle_first) if (x := stored[trial.key]) is not None)
    usual = max(shapes, key=shapes.__getitem__, default=())  # of equals the first, which is the oracle's
    for panel, trial in zip(places, trials, strict=False):
        samples = stored[trial.key]
        if samples is not None and samples.shape[1:] != usual:
            run.problems.append(f"{trial.key}: its samples have shape {samples.shape[1:]}, and those of others {usual}")
            samples = None
        if trial.status != "ok" or samples is None:
            say_in(panel, trial.status if trial.status != "ok" else "samples not kept")
            head(panel, names[trial.model])
        else:
            show(panel, trial, samples, names[trial.model])


def _oracle_first(trial: TrialRecord) -> bool:
    return trial.role != "oracle"
