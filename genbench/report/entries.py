"""The section of one model on one dataset.

It has scores, costs, settings, losses, failures and commands.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from genbench.analysis.leaderboard import Leaderboard, grouped
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row
from genbench.display import formatting
from genbench.display.numbers import brief
from genbench.display.table_view import TableCell, table_view
from genbench.report.curves import Chart, charts
from genbench.report.links import Links
from genbench.runs.defaults import Defaults
from genbench.storage.records import TrialRecord

__all__ = ["Entry", "entries"]

COSTS = {
    "train_seconds": "training, s",
    "compute": "compute, s of the reference machine",
    "steps": "steps",
    "sample_seconds": "sampling, s",
    "samples_per_second": "samples/s",
    "log_prob_seconds": "densities, s",
    "score_seconds": "scoring, s",
    "parameters": "parameters",
    "nfe": "NFE",
    "peak_memory_mb": "peak memory, MB",
    "threads": "torch threads",
}
LIKELIHOODS = {
    "exact": "exact",
    "estimate": "an estimate (≈)",
    "bound": "a bound (≤): its NLL and KL are at most this",
    "none": "none: it has no density",
}


@dataclass(frozen=True)
class Entry:
    """One model on one dataset. Lists about trials have one item for each of `seeds`."""

    row: Row
    id: str
    link: str
    likelihood: str  # in words
    brief: str  # the leading score, or how it failed
    scores: list[tuple[str, str, str, list[str]]]  # label, text, text beside the oracle, and the value of each seed
    seeds: list[tuple[int, str]]  # with the status of the trial, also of failed ones, in order
    costs: list[tuple[str, list[str]]]
    settings: list[tuple[str, str]]  # parameters
    diagnostics: list[tuple[str, list[str]]]  # what the model reports
    charts: list[Chart]  # losses over steps
    failed: list[TrialRecord]
    flags: list[str]
    commands: list[str]  # that repeat the trials, and that draw samples


def entries(run: RunData, board: Leaderboard, place: str, links: Links) -> Iterator[Entry]:
    """Yield an entry for each row of one table of a run, the leader first."""
    trials = grouped(run.trials)
    rows = [row for row in board.rows if row.place == place]
    sort = board.sorted_by(place)
    table = table_view(place, rows, board.metrics, sort).select("score")
    for row, shown in zip(rows, table.rows, strict=True):
        cells = {column.name: (column.label, cell) for column, cell in zip(table.columns, shown.cells, strict=True)}
        scores = {name: (label, cell) for name, (label, cell) in cells.items() if cell.value is not None}
        its = sorted(trials[place, row.model], key=lambda trial: trial.seed)
        yield _entry(run, row, scores, sort, its, links)


def _entry(
    run: RunData,
    row: Row,
    scores: Mapping[str, tuple[str, TableCell]],
    sort: str | None,
    trials: list[TrialRecord],
    links: Links,
) -> Entry:
    """Return the entry of a row; `scores` has the label and the cell of each of its metrics."""
    leading, costs = scores.get(sort or ""), [trial.cost.model_dump() for trial in trials]
    diagnostics = dict.fromkeys(name for trial in trials for name in trial.diagnostics)
    return Entry(
        row=row,
        id=links.id(row.place, row.model),
        link=links.link(row.place, row.model),
        likelihood=LIKELIHOODS.get(row.likelihood, row.likelihood),
        brief=f"{leading[0]} {leading[1].text}" if leading else formatting.failures(row, "; "),
        scores=[
            (label, cell.text, cell.beside, [_short(row.values[name].get(trial.seed)) for trial in trials])
            for name, (label, cell) in scores.items()
        ],
        seeds=[(trial.seed, trial.status) for trial in trials],
        costs=[
            (label, [formatting.amount(cost[name]) for cost in costs])
            for name, label in COSTS.items()
            if any(cost[name] is not None for cost in costs)
        ],
        settings=[(name, str(value)) for name, value in trials[0].params.items()],
        diagnostics=[(name, [_short(trial.diagnostics.get(name)) for trial in trials]) for name in diagnostics],
        charts=charts(trials),
        failed=[trial for trial in trials if trial.error or trial.status != "ok"],
        flags=formatting.flag_lines(row),
        commands=list(dict.fromkeys(_commands(run, trials))),
    )


def _short(value: float | None) -> str:
    return "–" if value is None else brief(value, 4)


def _commands(run: RunData, trials: Sequence[TrialRecord]) -> Iterator[str]:
    """Yield the commands that repeat these trials in this run, and one that draws samples of the first."""
    if trials[0].spec.outside:
        yield _score_command(run, trials)
        return
    where = ["--name", run.path.resolve().name]
    for budget in dict.fromkeys(trial.budget for trial in trials):
        usual = asdict(Defaults.of(budget).protocol)
        its = [trial for trial in trials if trial.budget == budget]
        spec, seeds = its[0].spec, ",".join(str(trial.seed) for trial in its)
        words = ["genbench", "run", "--models", spec.model, "--data", spec.dataset, "--seeds"]
        words += [seeds if len(its) > 1 else f"{seeds},", "--budget", budget]
        words += ["--task", spec.task] if spec.task != "generate" else []
        asked = asdict(spec.protocol)
        for name in ("samples", "train"):
            if asked[name] != usual[name]:
                words += [f"--{name}", str(asked[name])]
        for plugin in (name for name in spec.plugins if name.endswith(".py")):  # others are modules of packages
            words += ["--plugin", Path(plugin).name]
        yield shlex.join([*words, *where])
    fine = next((trial for trial in trials if trial.status == "ok"), None)
    if fine and fine.sampled and fine.cost.parameters:
        place = ["--data", fine.dataset] if len({trial.dataset for trial in run.trials}) > 1 else []
        words = ["genbench", "sample", f"results/{run.path.resolve().name}", "--model", fine.model, *place]
        yield shlex.join([*words, "--grid", "samples.png"])


def _score_command(run: RunData, trials: Sequence[TrialRecord]) -> str:
    """Return the command that scores samples from outside again, which needs their files."""
    first = trials[0]
    files = [trial.outside.file for trial in trials if trial.outside and trial.outside.file]
    words = ["genbench", "score", *(dict.fromkeys(files) or ["samples.npz"]), "--data", first.dataset]
    words += ["--seeds", ",".join(str(trial.seed) for trial in trials) + ("," if len(trials) == 1 else "")]
    words += ["--name", first.model, "--family", first.family, "--run", f"results/{run.path.resolve().name}"]
    for name in dict.fromkeys(t.outside.log_prob for t in trials if t.outside and t.outside.log_prob != t.outside.file):
        words += ["--log-prob", name] if name else []
    return shlex.join(words)
