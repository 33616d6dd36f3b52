"""The schemas of files on disk: the request of a trial, and its result."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationInfo, field_validator

from genbench.contracts.data_files import file_name
from genbench.contracts.evidence import Protocol
from genbench.storage.earlier_code import in_todays_form
from genbench.storage.evaluation import Evaluation
from genbench.storage.keys import OPTIONAL, key_text, named, text_around
from genbench.storage.limits import MANY, Amount, Finite, Likelihood, Number, Seed, Whole
from genbench.storage.outside import SAMPLES, Outside
from genbench.storage.provenance import Provenance
from genbench.storage.races import Race
from genbench.storage.studies import Tuned

__all__ = [
    "FILE",
    "SAMPLING",
    "SCHEMA",
    "Cost",
    "Failure",
    "RunRecord",
    "Status",
    "TrialRecord",
    "TrialResult",
    "TrialSpec",
]

SCHEMA = 2  # of the files; 1 had flags that were lines of text
REQUESTS = 100  # that a run's record keeps; chosen by hand: a page of commands
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)  # of a time in ISO 8601
FILE = "file "  # how the names of digests of data files begin
AMOUNT: TypeAdapter[int] = TypeAdapter(Amount)
SAMPLING = ("generate", "curve", "variance", "scaling")  # tasks that score samples, so that they share a table
Status = Literal["ok", "diverged", "timeout", "out_of_memory", "crashed", "invalid_samples"]


class TrialSpec(BaseModel):
    """One model on one dataset with one seed. The result depends only on this.

    Attributes:
        task: the task; a module of genbench.tasks.
        model, dataset: labels, with the parameters that differ from the defaults.
        model_name, dataset_name: registered names.
        params, dataset_params: all parameters.
        metrics: names of the metrics to compute.
        protocol: the amount of evidence for each metric.
        sources: digests of the code on which the result depends, and of files that it reads, see `genbench.runs.code`.
        data_fingerprint: checksum of the data file, if there is one.
        plugins: files, and modules of installed packages, with its model, data and metrics. The result does not depend
            on their places.
        steps: number of training steps, if the engine measured it for the budget; else None.
        tuned: how `genbench tune` found its parameters; else None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str = "generate"
    model: str
    model_name: str
    params: dict[str, Any]
    dataset: str
    dataset_name: str
    dataset_params: dict[str, Any]
    seed: Seed
    budget: str
    metrics: tuple[str, ...]
    protocol: Protocol
    sources: dict[str, str]
    data_fingerprint: str = ""
    plugins: tuple[str, ...] = ()
    steps: Whole | None = None
    tuned: Tuned | None = None

    @field_validator("protocol")
    @classmethod
    def _of_points(cls, protocol: Protocol) -> Protocol:
        """Refuse numbers of points that no machine holds."""
        for number in asdict(protocol).values():
            AMOUNT.validate_python(number)
        return protocol

    @field_validator("sources", mode="before")
    @classmethod
    def _of_earlier_code(cls, sources: Any, info: ValidationInfo) -> Any:
        """Read digests that are by module."""
        if not any(name.startswith("genbench.") for name in sources):
            return sources
        return in_todays_form(sources, info.data["model_name"], info.data["dataset_name"])

    @property
    def sampled(self) -> bool:
        """Whether its scores are of samples, as for `generate`, and not of another task."""
        return self.task in SAMPLING

    @property
    def place(self) -> str:
        """The heading of its table: the dataset, with the task if it does not score samples."""
        return self.dataset if self.sampled else f"{self.dataset}, {self.task}"

    @property
    def outside(self) -> bool:
        """Whether other software made its samples, see `genbench.runs.outside`."""
        return SAMPLES in self.sources

    @cached_property
    def key(self) -> str:
        """The name of the trial's files: model, dataset, seed, and a hash.

        The hash is of all that could change the result.
        """
        return named(self.model, self.dataset, self.seed, key_text(self._facts()))

    def with_seeds(self, seeds: Iterable[int]) -> list[TrialSpec]:
        """Return the spec with each of some seeds.

        The common part of their keys is computed once.
        """
        before, after = text_around("seed", self._facts())
        found = [self.model_copy(update={"seed": seed}) for seed in seeds]
        for spec in found:
            spec.__dict__["key"] = named(spec.model, spec.dataset, spec.seed, f"{before}{spec.seed}{after}")
        return found

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, and with its own key."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("key", None)
        return copied

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """The row and the seed of the table that it fills.

        A later trial with the same identity replaces an earlier one.
        """
        return (self.task, self.model, self.dataset, self.seed)

    def _facts(self) -> dict[str, Any]:
        """Return all that could change the outcome: of a data file with a checksum its name, and not its folder."""
        absent = {name for name in OPTIONAL if getattr(self, name) is None}
        facts = self.model_dump(mode="json", exclude={"plugins"} | absent)
        if self.data_fingerprint and isinstance(path := self.dataset_params.get("path"), str):
            facts["dataset_params"]["path"] = file_name(path)
        return facts

    def at(self, path: str) -> TrialSpec:
        """Return the spec with its data file in another place; its key does not change."""
        return self.model_copy(update={"dataset_params": {**self.dataset_params, "path": path}})

    def _named(self, part: str) -> str:
        """Return what a digest is of, such as "code of model cfm"."""
        names = {"model": self.model_name, "dataset": self.dataset_name, "task": self.task}
        if part.startswith(FILE) or part == SAMPLES:
            return part
        return f"code of {part} {names[part]}" if part in names else f"code of {part}"

    def differences(self, other: TrialSpec) -> list[str]:
        """Return the differences from another spec, as text."""
        mine, theirs = self._facts(), other._facts()
        words = []
        for name in ("params", "dataset_params", "sources", "protocol"):
            for part in sorted(mine[name].keys() | theirs[name].keys()):
                if mine[name].get(part) != theirs[name].get(part):
                    before, now = theirs[name].get(part), mine[name].get(part)
                    words.append(f"{self._named(part)} changed" if name == "sources" else f"{part}: {before} -> {now}")
        whole = [
            name for name in ("budget", "steps", "metrics", "data_fingerprint") if mine.get(name) != theirs.get(name)
        ]
        words += [f"{name} changed: {theirs.get(name)} -> {mine.get(name)}" for name in whole]
        return words + (["tuned anew"] if mine.get("tuned") != theirs.get("tuned") else [])


class Cost(BaseModel):
    """The cost of a trial.

    Seconds are wall-clock time with `threads` of torch; memory is the peak of the whole process. `compute` is the
    training in seconds of the reference machine, see `genbench.training.compute`.
    """

    train_seconds: Finite | None = None
    compute: Finite | None = None
    steps: Whole | None = None
    sample_seconds: Finite | None = None
    samples_per_second: Finite | None = None
    log_prob_seconds: Finite | None = None
    score_seconds: Finite | None = None
    parameters: Whole | None = None
    nfe: Whole | None = None
    peak_memory_mb: Finite | None = None
    threads: Whole = 1


class Failure(BaseModel):
    """The failure of a trial: its phase, its time, and its error.

    Phases are load, fit, sample, log_prob, score, save.

    Attributes:
        place: file and line of the user's code that caused it, as "my_model.py:31"; "" if unknown.
        blameless: whether it was stopped from outside, so that the next run repeats it.
    """

    phase: str
    type: str
    message: str
    seconds: Finite
    traceback: str = ""
    place: str = ""
    blameless: bool = False

    def __str__(self) -> str:
        """Return where it failed, and how, in one line."""
        return f"in {self.phase}{f' at {self.place}' if self.place else ''}: {self.message}"


class TrialResult(Evaluation):
    """The result of a task: scores, costs, and what is stored of the model.

    Attributes:
        nested: scores [initialisation][draw] by metric, if the task has them.
        diagnostics: the model's own numbers for test points.
        likelihood: the kind of its densities: "exact", "estimate", "bound" or "none".
        history: a column for each number of the training log, with None where a row has none; older files have rows.
        curve: scores during training, if the task has them.
        scaling: sizes of the problem, with seconds and scores for each, if the task has them.
        arrays, weights: content of the files beside the record, by name: samples and log-densities, and tensors.
    """

    nested: dict[str, list[list[Number]]] = Field(default_factory=dict)
    diagnostics: dict[str, Number] = Field(default_factory=dict)
    likelihood: str = "none"
    cost: Cost = Field(default_factory=Cost)
    history: dict[str, list[Number | None]] = Field(default_factory=dict)
    curve: list[dict[str, Number]] = Field(default_factory=list)
    scaling: list[dict[str, Number]] = Field(default_factory=list)
    arrays: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)
    weights: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)

    @field_validator("history", mode="before")
    @classmethod
    def _in_columns(cls, history: Any) -> Any:
        if not isinstance(history, list):
            return history
        names = dict.fromkeys(name for row in history for name in row)
        return {name: [row.get(name) for row in history] for name in names}


class TrialRecord(TrialResult):
    """One finished trial, in the form of results/<run>/trials/<key>.json.

    Attributes:
        outside: what was given, if other software made the samples; else None.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_version: int = Field(default=SCHEMA, alias="schema")
    likelihood: Likelihood = "none"
    key: str
    model: str
    dataset: str
    seed: Seed
    params: dict[str, Any]
    budget: str
    status: Status
    family: str
    role: str
    error: Failure | None = None
    spec: TrialSpec
    provenance: Provenance = Provenance()
    outside: Outside | None = None

    @property
    def sampled(self) -> bool:
        """Whether its scores are of samples, as for `generate`, and not of another task."""
        return self.spec.sampled

    @property
    def place(self) -> str:
        """The heading of its table."""
        return self.spec.place


class RunRecord(BaseModel):
    """The request for a run, in the form of its run.json.

    Attributes:
        trials: keys of the trials in its table.
        data: notes on how each file of data was read, by the dataset's label.
        step_counts: measured numbers of steps.
        files: checksums of data files, by their last paths.
        environment: the environment of the first request. Trials have their own, except older ones.
        races: how the seeds of each table were selected, by its heading, if no number of seeds was asked for.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_version: int = Field(default=SCHEMA, alias="schema")
    name: str
    trials: list[str] = []
    requests: Annotated[list[dict[str, Any]], Len(0, MANY)] = []
    environment: dict[str, Any] = {}
    data: dict[str, list[str]] = {}
    step_counts: dict[str, int] = {}
    files: dict[str, str] = {}
    races: dict[str, Race] = {}

    @property
    def commands(self) -> list[str]:
        """The commands of all requests, as typed, the latest last."""
        asked = [request.get("command", "") for request in self.requests]
        return [
            one if isinstance(one, str) else shlex.join(map(str, one))
            for one in asked
            if isinstance(one, str | list) and one
        ]

    @property
    def asked_metrics(self) -> str:
        """The selection of metrics in the latest request; "" if it has none."""
        asked = self.requests[-1].get("metrics") if self.requests else None
        return asked if isinstance(asked, str) else ""

    @property
    def date(self) -> str:
        """The day of the latest request, as 2026-11-30.

        It is "" if no request has a time, as in older records.
        """
        times = [time for request in self.requests if isinstance(time := request.get("time"), str)]
        return max((time[:10] for time in times if DAY.match(time)), default="")

    def ask(self, request: dict[str, Any]) -> None:
        """Add a request. If there are many, the oldest is removed."""
        self.requests = [*self.requests, request][-REQUESTS:]
