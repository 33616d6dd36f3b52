"""The results of `genbench tune` in a study's folder, and their summary in a trial.

A study is also a run: its training runs are trials of the task `validate`, with files of their own.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field

from genbench.core.selection import Selection
from genbench.storage.limits import MANY, RUN, Finite, Number, Seed, Whole

__all__ = ["LARGEST", "STUDY", "TUNE", "Configuration", "ModelStudy", "Study", "Tuned"]

STUDY = "study.json"
TUNE = "tune"  # the folder of studies in that of runs
LARGEST = RUN  # bytes of a study's file; by hand

Seeds = Annotated[tuple[Seed, ...], Len(0, MANY)]
Words = Annotated[dict[str, str], Len(0, MANY)]
Given = Annotated[dict[str, Any], Len(0, MANY)]


class Tuned(BaseModel):
    """How the parameters of a trial were found: the best of several configurations.

    They were compared on validation splits.

    Attributes:
        configurations: number of configurations that were tried, including the default.
        data, budget, seeds: data, budget and seeds of their training; seeds by dataset.
        params: parameters that differ from the defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    configurations: Whole
    data: Annotated[tuple[str, ...], Len(1, MANY)]
    budget: str
    seeds: Annotated[dict[str, Seeds], Len(0, MANY)]
    params: Given

    def __str__(self) -> str:
        """Return the parameters and how they were found, in a line."""
        own = {name: value for name, value in self.params.items() if value is not None}  # without a time to be measured
        n, where = self.configurations, f"the validation splits of {', '.join(self.data)}"
        if not own:
            return f"its defaults: none of {n} configurations was better on {where}"
        return f"{str(Selection('x', own))[2:-1]}; the best of {n} configurations on {where}"


class Configuration(BaseModel):
    """One configuration of a model, trained with each seed on each dataset.

    Attributes:
        params: the parameters that it sets; the first configuration sets none.
        status: "asked" until all of its training runs have ended; "failed" if one of them failed.
        behind: distance of its scores to the best of each dataset, averaged over datasets.
        scores: scores on the validation split by dataset, one for each seed in order; lower is better.
        seconds: seconds of all its training runs.
        error: the error of the first failed training run.
    """

    params: Given = {}
    status: Literal["asked", "ok", "failed"] = "asked"
    behind: Number | None = None
    scores: Annotated[dict[str, list[Number]], Len(0, MANY)] = {}
    seconds: Finite = 0.0
    error: str = ""


class ModelStudy(BaseModel):
    """The search of one model.

    Attributes:
        model: the selection of the model, with fixed parameters: "cfm" or "cfm[depth=4]".
        model_name: its registered name.
        given: the fixed parameters.
        space: the range of each parameter, in the form of `--space`.
        sampler: the sampler of configurations: "tpe", "random" or "grid".
        metrics: the metric, by dataset: "validation_nll" or "validation_sliced_w2".
        best: index of the best configuration in `configurations`; None if all failed.
        importance: share of each parameter in the spread of scores, if there are enough configurations.
    """

    model: str
    model_name: str
    given: Given = {}
    space: Words
    sampler: str
    metrics: Words = {}
    configurations: Annotated[list[Configuration], Len(0, 10 * MANY)] = []
    best: Whole | None = None
    importance: Annotated[dict[str, Finite], Len(0, MANY)] = {}

    @property
    def settled(self) -> list[Configuration]:
        """The configurations with a known result, including failures."""
        return [one for one in self.configurations if one.status != "asked"]

    @property
    def winner(self) -> Configuration | None:
        """The best configuration."""
        found = self.best is not None and self.best < len(self.configurations)
        return self.configurations[self.best] if self.best is not None and found else None


class Study(BaseModel):
    """The search of one or more models on the same data with the same budget.

    Attributes:
        seeds: seeds of data and training, by the dataset's label.
        train: number of training points of a synthetic dataset.
        versions: versions of genbench and of the libraries in the last search.
        commit: commit of genbench, if known.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_version: int = Field(default=1, alias="schema")
    name: str
    seeds: Annotated[dict[str, Seeds], Len(0, MANY)]
    budget: str
    train: Whole
    versions: Words = {}
    commit: str = ""
    models: Annotated[list[ModelStudy], Len(0, MANY)] = []

    def tuned(self, model: ModelStudy) -> Tuned:
        """Return how the best configuration of a model was found."""
        assert model.winner is not None
        return Tuned(
            configurations=len(model.settled),
            data=tuple(self.seeds),
            budget=self.budget,
            seeds=self.seeds,
            params=model.given | model.winner.params,
        )
