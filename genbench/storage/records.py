"""What a trial is asked to do, and what it answers: the schemas of the files on disk."""

from __future__ import annotations

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
FILE = "file "  # how the names of digests of data files begin
AMOUNT: TypeAdapter[int] = TypeAdapter(Amount)
SAMPLING = ("generate", "curve", "variance", "scaling")  # tasks that score samples, so that they share a table
Status = Literal["ok", "diverged", "timeout", "out_of_memory", "crashed", "invalid_samples"]


class TrialSpec(BaseModel):
    """One model on one dataset with one seed. The outcome is a function of this alone.

    Attributes:
        task: what to do; a module of genbench.tasks.
        model, dataset: labels, with the parameters that differ from the defaults.
        model_name, dataset_name: names in the registry.
        params, dataset_params: all parameters.
        metrics: names of the metrics to compute.
        protocol: how much evidence each metric gets.
        sources: digests of the code that the outcome depends on, and of files that it reads, see `genbench.runs.code`.
        data_fingerprint: checksum of a data file, where there is one.
        plugins: files, and modules of installed packages, that its model, its data and its metrics come from; where
            they lie does not matter to the outcome.
        steps: of the training, where the engine found the number for the budget by timing some; else None.
        tuned: how its parameters were found, where `genbench tune` found them; else None.
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
        """Whether its scores are of samples, as those of `generate`, and not of another task's."""
        return self.task in SAMPLING

    @property
    def place(self) -> str:
        """The heading of the table in which it is a row: the dataset, with the task where that scores no samples."""
        return self.dataset if self.sampled else f"{self.dataset}, {self.task}"

    @property
    def outside(self) -> bool:
        """Whether something else than genbench made its samples, see `genbench.runs.outside`."""
        return SAMPLES in self.sources

    @cached_property
    def key(self) -> str:
        """The name of the trial's files: model, dataset, seed, and a hash of all that could change the outcome."""
        return named(self.model, self.dataset, self.seed, key_text(self._facts()))

    def with_seeds(self, seeds: Iterable[int]) -> list[TrialSpec]:
        """Return the spec with each of some seeds; of their keys, all but the seed is put together once."""
        before, after = text_around("seed", self._facts())
        found = [self.model_copy(update={"seed": seed}) for seed in seeds]
        for spec in found:
            spec.__dict__["key"] = named(spec.model, spec.dataset, spec.seed, f"{before}{spec.seed}{after}")
        return found

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, and with a key of its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("key", None)
        return copied

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """Which row and seed of the table it fills: a later trial with the same identity replaces an earlier one."""
        return (self.task, self.model, self.dataset, self.seed)

    def _facts(self) -> dict[str, Any]:
        """Return all that could change the outcome: of a data file with a checksum its name, and not its folder."""
        absent = {name for name in OPTIONAL if getattr(self, name) is None}
        facts = self.model_dump(mode="json", exclude={"plugins"} | absent)
        if self.data_fingerprint and isinstance(path := self.dataset_params.get("path"), str):
            facts["dataset_params"]["path"] = file_name(path)
        return facts

    def at(self, path: str) -> TrialSpec:
        """Return the spec with its data file in another place, which leaves its key as it is."""
        return self.model_copy(update={"dataset_params": {**self.dataset_params, "path": path}})

    def _named(self, part: str) -> str:
        """Return what a digest is of, such as "code of model cfm"."""
        names = {"model": self.model_name, "dataset": self.dataset_name, "task": self.task}
        if part.startswith(FILE) or part == SAMPLES:
            return part
        return f"code of {part} {names[part]}" if part in names else f"code of {part}"

    def differences(self, other: TrialSpec) -> list[str]:
        """Return what differs from another spec, in words."""
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
    """What a trial cost. Seconds are wall time with `threads` of torch; memory is the peak of the whole process.

    `compute` are seconds of the reference machine that training took, see `genbench.training.compute`.
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
    """Why a trial failed: in which phase (load, fit, sample, log_prob, score, save), after how long, and how.

    Attributes:
        place: file and line of the user's code that it comes from, as "my_model.py:31"; "" where none is known.
        blameless: whether it was stopped from outside, so that the next run does it again.
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
    """What a task returns: scores, costs, and what is kept of the model.

    Attributes:
        nested: scores [initialisation][draw] by metric, where the task takes them.
        diagnostics: the model's own numbers about test points.
        likelihood: what its densities are: "exact", "estimate", "bound", "none"; a record holds nothing else.
        history: a column for each number of the training log, with None where a row has none; older files hold rows.
        curve: scores in the course of training, where the task takes them.
        scaling: sizes of the problem, with seconds and scores at each, where the task takes them.
        arrays, weights: what is kept in files beside the record, by name: samples and log-densities, and tensors.
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
    """One finished trial, as it stands in results/<run>/trials/<key>.json.

    Attributes:
        outside: what was given, where something else than genbench made the samples; else None.
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
        """Whether its scores are of samples, as those of `generate`, and not of another task's."""
        return self.spec.sampled

    @property
    def place(self) -> str:
        """The heading of the table in which it is a row."""
        return self.spec.place


class RunRecord(BaseModel):
    """What was asked of a run, as it stands in its run.json.

    Attributes:
        trials: keys of the trials that its table is made of.
        data: what was understood of each file of data, in words, by the dataset's label.
        step_counts: numbers of steps that were found by timing some.
        files: checksums of data files by where they were last.
        environment: that of the first request; trials have their own, but older ones do not.
        races: how the seeds of each table were decided on, by its heading, where they were not asked for by number.
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
        """The commands that asked, the latest last, each as it is typed."""
        asked = [request.get("command", "") for request in self.requests]
        return [
            one if isinstance(one, str) else shlex.join(map(str, one))
            for one in asked
            if isinstance(one, str | list) and one
        ]

    @property
    def asked_metrics(self) -> str:
        """The selection of metrics of the latest request; "" where that left them open."""
        asked = self.requests[-1].get("metrics") if self.requests else None
        return asked if isinstance(asked, str) else ""

    def ask(self, request: dict[str, Any]) -> None:
        """Note a request, and forget the oldest of many."""
        self.requests = [*self.requests, request][-REQUESTS:]
