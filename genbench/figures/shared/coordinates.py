"""Test points beside samples, by coordinate: names, distances, and the effect of chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from genbench.analysis.run_data import RunData
from genbench.contracts.dataset import Dataset
from genbench.core.errors import GenbenchError, nearest, shown
from genbench.core.recorded_plugins import NeedsPlugin
from genbench.core.types import Array
from genbench.figures.shared.panels import dataset_of, file_stem, first_seeds, oracle_samples, splits_of, stem_of
from genbench.metrics.ks import kolmogorov_smirnov
from genbench.plotting.ranges import edges, limits
from genbench.plotting.style import BLUE, FAINT
from genbench.storage.records import TrialRecord

__all__ = ["SOURCE", "Compared", "by_model", "chance", "column_names", "compared", "held_out", "histograms", "legend"]

SOURCE = "points of"  # the column of a frame that says truth, or which model; unlikely as the name of a coordinate
EDGE = 0.01  # share of samples beyond each end of an axis, by hand: outliers do not set it
RISK = 0.05  # that a band is left by chance, where model and truth are equal


@dataclass(frozen=True)
class Compared:
    """Test points [n, d] of a dataset beside samples [m, d] of a model.

    `names` are the names of the coordinates.
    """

    trial: TrialRecord
    names: tuple[str, ...]
    truth: Array
    samples: Array

    @cached_property
    def distances(self) -> Array:
        """The Kolmogorov–Smirnov distance in each coordinate, [d]; the metric `ks` is the largest."""
        return np.array([kolmogorov_smirnov(u, v) for u, v in zip(self.samples.T, self.truth.T, strict=True)])

    def ends(self, i: int) -> tuple[float, float]:
        """Return the ends of an axis for a coordinate.

        They enclose nearly all points of the truth, and the samples near it.
        """
        low, high = (float(end[0]) for end in limits(self.truth[:, [i]], 0.05))
        least, most = np.quantile(self.samples[:, i], [EDGE, 1 - EDGE])
        extent = high - low  # a model farther away would leave too little room for the truth
        return min(low, max(float(least), low - extent)), max(high, min(float(most), high + extent))

    def worst(self, most: int) -> list[int]:
        """Return the `most` coordinates with the largest distances, the largest first."""
        return [int(i) for i in np.argsort(-self.distances, kind="stable")[:most]]

    def asked(self, coordinates: Sequence[str]) -> list[int]:
        """Return the indices of coordinates from their names, or from their numbers from 1 on.

        Raises:
            GenbenchError: there is no such coordinate.
        """
        found = []
        for text in coordinates:
            if text in self.names:
                found.append(self.names.index(text))
            elif text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= len(self.names):
                found.append(int(text) - 1)
            else:
                more = nearest(text, list(self.names)) if len(self.names) < 50 else ""
                raise GenbenchError(
                    f"no coordinate '{shown(text)}' of {self.trial.dataset}: give names, or numbers from 1 to "
                    f"{len(self.names)}{more}"
                )
        return list(dict.fromkeys(found))


def by_model(
    run: RunData, stem: str, datasets: Iterable[str], draw: Callable[[Compared], Figure | None]
) -> dict[str, Figure]:
    """Return the results of `draw` for the leader of each dataset, by file stem.

    The stem is `stem`, or `stem-<dataset>` for several datasets. If models of the run were chosen, there is one figure
    for each of them, and the stem ends with the model's name.
    """
    figures: dict[str, Figure] = {}
    for dataset in dict.fromkeys(datasets):
        for one in compared(run, dataset):
            if (figure := draw(one)) is not None:
                end = f"-{file_stem(one.trial.model)}" if run.models else ""
                figures[stem_of(run, stem, dataset) + end] = figure
    return figures


def compared(run: RunData, dataset: str) -> list[Compared]:
    """Return the chosen models of a dataset, or else its leader, beside test points.

    The test points are those of the model's seed. The leader is the first model of the leaderboard with samples. It is
    not the oracle, and it is a control only if all models are.
    """
    trials = [trial for trial in first_seeds(run, dataset) if trial.status == "ok"]
    if run.models:
        trials = [trial for trial in trials if trial.model in run.models]
    else:
        trials = sorted((t for t in trials if t.role != "oracle"), key=lambda trial: trial.role != "model")
    found: list[Compared] = []
    for trial in trials:
        if (samples := run.samples(trial.key)) is None:
            continue
        known, truth = held_out(run, trial)
        if samples.shape[1:] != truth.shape[1:]:
            run.problems.append(f"{trial.key}: its samples have shape {samples.shape[1:]}, the data {truth.shape[1:]}")
            continue
        real, drawn = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in (truth, samples))
        found.append(Compared(trial, column_names(known, real.shape[1]), real, drawn))
        if not run.models:
            break
    return found


def held_out(run: RunData, trial: TrialRecord) -> tuple[Dataset | None, Array]:
    """Return the dataset of a trial and its test points [n, *shape].

    The distances of the trial were computed from these points. If the dataset's code may not be imported, the result is
    None and the stored samples of the oracle.

    Raises:
        GenbenchError: neither is available.
    """
    try:
        return dataset_of(trial), splits_of(trial).test
    except NeedsPlugin:
        if (stored := oracle_samples(run, trial.dataset)) is None:
            raise
        return None, stored


def column_names(dataset: Dataset | None, d: int) -> tuple[str, ...]:
    """Return the names of the d coordinates of a dataset.

    Coordinates of a table have the names of its columns. A table from a file has them in `table`, one from Python in
    `held`, and one from scikit-learn in its `loader`. Coordinates of a series are step 1 and so on, and others x1 and
    so on.
    """
    held = getattr(dataset, "held", {})
    found: Any = getattr(getattr(dataset, "table", None), "columns", held.get("columns", ()))
    if loader := getattr(dataset, "loader", ""):
        from sklearn import datasets

        found = getattr(datasets, loader)().feature_names
    if len(names := tuple(map(str, found))) == d == len(set(names)):
        return names
    word = "step " if dataset is not None and dataset.kind == "series" else "x"
    return tuple(f"{word}{i + 1}" for i in range(d))


def chance(n: int, m: int, looked_at: int = 1) -> float:
    """Return the distance that two samples of one distribution exceed with probability 5 %.

    The samples have n and m points. It is c √((n + m) / (n m)) with c the upper quantile of Kolmogorov's distribution
    (Smirnov 1948, Annals of Mathematical Statistics 19): 1.358 for a single distance. For several distances, each has
    an equal share of the 5 % (Bonferroni), so that all stay below it with a probability of at least 95 %, whatever
    their dependence.
    """
    from scipy.special import kolmogi

    return float(kolmogi(RISK / max(1, looked_at)) * np.sqrt((n + m) / (n * m)))


def histograms(panel: Axes, one: Compared, i: int) -> None:
    """Draw the shares of points in bins of a coordinate: truth filled, model as a line."""
    low, high = one.ends(i)
    places = list(edges(one.truth[:, i], low, high))
    for x, looks in (
        (one.truth[:, i], {"color": FAINT, "alpha": 0.6, "linewidth": 0}),
        (one.samples[:, i], {"color": BLUE, "fill": False, "linewidth": 1.2}),
    ):
        inside = x[(x >= low) & (x <= high)]
        shares = np.full(len(inside), 1 / len(x))  # those outside count as well
        sns.histplot(x=inside, weights=shares, bins=places, element="step", legend=False, ax=panel, **looks)
    panel.set(xlim=(low, high), ylim=(0, panel.get_ylim()[1]))


def legend(panel: Axes, model: str, **place: Any) -> None:
    """Write in a panel which colour is the truth's and which is the model's."""
    named = {"truth": FAINT, model: BLUE}
    panel.legend(
        handles=[Patch(color=colour, label=name) for name, colour in named.items()], borderaxespad=0.2, **place
    )
