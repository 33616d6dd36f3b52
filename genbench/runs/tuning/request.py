"""The request for a search: models, data, number of configurations, and time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from genbench.contracts.data_files import DataSelection, select_datasets
from genbench.contracts.dataset import DATASETS, SyntheticDataset
from genbench.contracts.evidence import Protocol
from genbench.contracts.model import MODELS
from genbench.contracts.recipe import Budget
from genbench.core.durations import parse_duration
from genbench.core.errors import GenbenchError, shown
from genbench.core.registry import discover
from genbench.core.search_ranges import SearchRange
from genbench.core.selection import parse_list
from genbench.core.types import Say
from genbench.runs.defaults import Defaults
from genbench.runs.grids import expanded
from genbench.runs.launch import RunOptions
from genbench.runs.plan import parse_seeds
from genbench.runs.tuned import asks_for_tuned
from genbench.runs.tuning.proposals import check_sampler
from genbench.runs.tuning.space import Space, read_space
from genbench.storage.studies import TUNE

__all__ = ["TASK", "Target", "TuneOptions"]

TASK = "validate"
# Data seeds of a leaderboard begin at 0: those of synthetic data are others here. Recorded data are split anew for each
# seed, so that another seed's validation points would be the leaderboard's test points: there they are the same.
FIRST_SEED = 100
MOST = 10_000  # configurations of a model; by hand: far more than anybody waits for


@dataclass(frozen=True)
class Target:
    """A dataset to tune on, and the seeds of data and training."""

    data: DataSelection
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class TuneOptions:
    """The request of `genbench tune`, whose help explains each field.

    Raises:
        GenbenchError: a number is out of range, a text cannot be read, or Optuna is not installed.
    """

    models: str
    datasets: str = "moons"
    trials: int = 30
    budget: str = "quick"
    seeds: str | int = 2
    space: str | None = None
    sampler: str = "tpe"
    name: str | None = None
    results: str | Path = "results"
    max_time: str | float | None = None
    train: int | None = None
    jobs: int | None = None
    plugins: Sequence[str] = ()
    device: str = "cpu"
    data_dir: str | Path | None = None
    progress: bool | str = True

    def __post_init__(self) -> None:
        check_sampler(self.sampler)
        Budget(self.budget)
        if not 2 <= self.trials <= MOST:
            raise GenbenchError(f"--trials {self.trials} is outside 2 to {MOST:,}; the first one is the default")
        if self.name is not None and re.search(r"[/\\]|^\.*$", self.name):
            raise GenbenchError(f"--name {shown(self.name)}: a name has no folders in it; say where by --results")
        _ = self.seconds, self.ranges, self.protocol, parse_seeds(self.seeds)

    @cached_property
    def seconds(self) -> float | None:
        """The seconds after which nothing more begins; None for no end."""
        return None if self.max_time is None else parse_duration(self.max_time)

    @cached_property
    def ranges(self) -> dict[str, SearchRange] | None:
        """The ranges that were given; None if each model's own are searched."""
        return None if self.space is None else read_space(self.space)

    @property
    def protocol(self) -> Protocol:
        """The numbers of points for training and for scores."""
        return Defaults.of(self.budget).protocol.asked(train=self.train)

    @cached_property
    def run(self) -> RunOptions:
        """The run whose trials are the training runs of the search."""
        default = re.sub(r"[^A-Za-z0-9_.=+]+", "-", f"{self.datasets}-{self.budget}").strip("-.")[:80]
        return RunOptions(
            models=self.models,
            datasets=self.datasets,
            seeds=self.seeds,
            budget=self.budget,
            task=TASK,
            name=self.name or default,
            results=Path(self.results) / TUNE,
            jobs=self.jobs,
            plugins=self.plugins,
            train=self.train,
            progress=self.progress,
            device=self.device,
            data_dir=self.data_dir,
        )

    @property
    def named(self) -> set[str]:
        """The models that were given by name, not by a group."""
        return {selection.name for selection in parse_list(self.models)}

    def targets(self) -> list[Target]:
        """Return the datasets, each with its seeds."""
        numbers = parse_seeds(self.seeds)
        found = []
        for one in select_datasets(self.datasets):
            synthetic = issubclass(DATASETS[one.selection.name].factory, SyntheticDataset)
            found.append(Target(one, tuple(seed + FIRST_SEED * synthetic for seed in numbers)))
        return found

    def spaces(self, say: Say) -> dict[str, Space]:
        """Return the search space of each model, by its label.

        `say` is called with the models of a group that are left out.

        Raises:
            GenbenchError: a name or a range is wrong, or a named model cannot be tuned.
        """
        discover(tuple(self.plugins))
        found, left_out = {}, []
        for one in (each for chosen in MODELS.select(self.models) for each in expanded(MODELS[chosen.name], chosen)):
            card = MODELS[one.name]
            if asks_for_tuned(card, one):
                raise GenbenchError(f"{one} is what tuning finds; name the model: genbench tune {one.name}")
            try:
                if card.role != "model" or not card.takes_part(TASK):
                    raise GenbenchError(
                        f"{card.name} is not tuned, since it is a control or draws no samples; leave it out"
                    )
                found[str(one)] = Space.of(card, one, self.ranges)
            except GenbenchError:
                if one.name in self.named:
                    raise
                left_out.append(card.name)
        if not found:
            raise GenbenchError(
                f"none of {shown(self.models)} has ranges to search; name some: --space lr=1e-4..1e-2:log"
            )
        if left_out:
            say(f"left out, with nothing to search: {', '.join(left_out)}")
        if unused := set(self.ranges or ()) - {name for space in found.values() for name in space.ranges}:
            raise GenbenchError(
                f"no model has a parameter '{shown(min(unused))}' to search; see genbench list models NAME"
            )
        return found
