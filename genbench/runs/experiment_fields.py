"""The fields of an experiment file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

__all__ = ["Executor", "Experiment", "Selected"]

Selected = str | list[str | dict[str, Any]] | dict[str, dict[str, Any]]
AtLeastOne = Annotated[int, Ge(1)]


class Executor(BaseModel):
    """Where and how trials run. No result depends on it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    jobs: Annotated[int, Ge(0)] | None = None
    threads: AtLeastOne | None = None
    device: str | None = None
    timeout: float | None = None
    checkpoint_every: float | None = None
    # The address of a cluster is typed, and no file says it: its scheduler and this process run code of each other.
    dask: Literal["local"] | None = None
    resources: str | None = None
    retries: Annotated[int, Ge(0)] | None = None


class Experiment(BaseModel):
    """The fields of an experiment file; they are the options of `genbench run`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = None
    results: str | None = None
    models: Selected = "all"
    data: Selected = Field("moons", validation_alias=AliasChoices("data", "datasets"))
    seeds: int | str | list[int] | None = None
    max_seeds: AtLeastOne | None = None
    max_time: str | None = None
    margin: str | None = None
    budget: str | int | list[str | int] = Field("quick", validation_alias=AliasChoices("budget", "budgets"))
    task: str | list[str] = Field("generate", validation_alias=AliasChoices("task", "tasks"))
    metrics: str | list[str] | None = None
    samples: int | None = None
    train: int | None = None
    sort: str | None = None
    tuned: str | None = None
    plugins: list[str] = []
    previews: int | None = None
    log: str | None = None
    data_dir: str | None = None
    retry_failed: bool | None = None
    executor: Executor = Executor()
