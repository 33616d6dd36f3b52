"""A home for many runs: an index of them, their scores beside each other, and a page a run, for any static host."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row, card_of
from genbench.core.errors import GenbenchError
from genbench.display import formatting
from genbench.report import write_page
from genbench.report.links import Anchors
from genbench.report.page import render
from genbench.report.run_page import RESERVED, lead, run_page
from genbench.report.scores import Line, Sheet, columns_of, line_of
from genbench.storage.records import TrialRecord

__all__ = ["Home", "together", "write_site"]

PAGE = "report.html"


@dataclass(frozen=True)
class Home:
    """A run of a site: what it is, and where its page is as seen from the index."""

    run: RunData
    name: str
    href: str
    lead: str


@dataclass(frozen=True)
class SiteLine(Line):
    """A row of a table of several runs, with the run that it is of."""

    run: str
    run_href: str


def write_site(
    folder: Path, out: Path, figures: Sequence[str] | None, jobs: int, say: Callable[[str], None]
) -> list[Path]:
    """Write an index of all runs at any depth of a folder, and a page for each; returns the files.

    What cannot be read, or holds no trial, is named on the index and in `say`, and left out. Nothing in `out` is
    deleted, and no file there is replaced that is not such a page.

    Args:
        folder: where runs are.
        out: the folder to write.
        figures, jobs: as in `run_page`.
        say: called with a line for each problem.

    Raises:
        GenbenchError: there is no run at all, or a file cannot be written.
    """
    beyond = out.resolve()
    found = [f.parent for f in sorted(folder.rglob("run.json")) if beyond not in f.resolve().parents]
    if not found:
        raise GenbenchError(f"{folder} holds no run (no run.json at any depth); start one with `genbench run`")
    homes: list[Home] = []
    problems: list[str] = []
    files: list[Path] = []
    for path in found:
        place = path.relative_to(folder)
        up = "../" * len(place.parts)
        try:
            run = RunData(path)
            page = run_page(run, figures, jobs, home=f"{up}index.html")
        except GenbenchError as error:
            problems.append(str(error))
            continue
        problems += run.problems
        files.append(write_page(out / place / PAGE, page))
        homes.append(Home(run, place.as_posix(), quote(f"{place.as_posix()}/{PAGE}"), lead(run)))
    for problem in problems:
        say(problem)
    tables = together(homes)
    rows = [line for sheet in tables for line in sheet.lines]
    metrics = list(dict.fromkeys(name for home in homes for name in home.run.leaderboard().metrics))
    index = render(
        "site.html.j2",
        homes=homes,
        problems=[problem.replace(f"{folder}/", "") for problem in problems],
        sheets=tables,
        total=len(rows),
        datasets=sorted({line.dataset for line in rows}),
        families=sorted({line.family for line in rows}),
        metrics=[column for column in columns_of(metrics) if column.better],
        interval="The half-width of the 95 % interval of the mean over seeds, as on the page of the run; "
        "with one seed, the standard error of the score.",
    )
    return [write_page(out / "index.html", index), *files]


def together(homes: Sequence[Home]) -> list[Sheet]:
    """Return a table for each group of rows of all runs that were measured alike, best first, controls in their place.

    Alike are the same data with the same parameters, the same budget and the same amount of evidence. Marks and
    intervals are those of the run that a row is of; rows of different runs are not tested against each other.
    """
    groups: dict[tuple[str, str, str, str], list[tuple[Home, Row, TrialRecord]]] = {}
    for home in homes:
        first: dict[tuple[str, str], TrialRecord] = {}
        for trial in home.run.trials:
            first.setdefault((trial.place, trial.model), trial)
        for row in home.run.leaderboard().rows:
            trial = first[row.place, row.model]
            groups.setdefault(_yardstick(home.run, row, trial), []).append((home, row, trial))
    order = sorted(groups, key=lambda key: (key[0], -len(groups[key])))
    anchors = Anchors(RESERVED)
    return [_sheet(_title(key, order), key, groups[key], anchors) for key in order]


def _title(key: tuple[str, str, str, str], keys: Sequence[tuple[str, str, str, str]]) -> str:
    """Return the heading of a table: data, budget, samples, and what parts it from others that have these in common."""
    place, budget, protocol, data = key
    mine: dict[str, int] = json.loads(protocol)
    rivals = [json.loads(other[2]) for other in keys if other[:2] == key[:2]]
    names = dict.fromkeys(["samples", *sorted(name for rival in rivals for name in rival)])
    parts = [place, f"budget {budget}"]
    telling = [name for name in names if name == "samples" or len({rival.get(name) for rival in rivals}) > 1]
    parts += [f"{mine[name]:,} {name}" if name in mine else f"{name} not given" for name in telling]
    if len({other[3] for other in keys if other[0] == place}) > 1:
        parts.append(", ".join(f"{name} {value}" for name, value in json.loads(data)[1].items()) or "other data")
    return ", ".join(parts)


def _yardstick(run: RunData, row: Row, trial: TrialRecord) -> tuple[str, str, str, str]:
    """Return what rows of one table have in common: place, budget, evidence, data."""
    budgets = dict.fromkeys(t.budget for t in run.trials if (t.place, t.model) == (row.place, row.model))
    spec = trial.spec
    data = json.dumps([spec.dataset_name, spec.dataset_params, spec.data_fingerprint], sort_keys=True)
    return row.place, " and ".join(budgets), json.dumps(asdict(spec.protocol), sort_keys=True), data


def _sheet(
    title: str, key: tuple[str, str, str, str], members: list[tuple[Home, Row, TrialRecord]], anchors: Anchors
) -> Sheet:
    rows = [row for _, row, _ in members]
    known = sorted({name for row in rows for name in row.metrics}, key=lambda name: (card_of(name).order, name))
    metrics = formatting.main_metrics(rows, known)
    alive = [row for row in rows if row.seeds]
    by = next((name for name in metrics if all(row.metrics.get(name) for row in alive)), None)
    board = Leaderboard(rows, by, known)
    lines = []
    for home, row, _ in sorted(members, key=lambda member: _rank(member[1], by)):
        ids = _anchors_of(home.run)
        line = line_of(row, metrics, home.href + ids.link(row.place, row.model))
        lines.append(SiteLine(**vars(line), run=home.name, run_href=home.href))
    notes = []
    if len({home.name for home, _, _ in members}) > 1:
        notes.append(
            "Rows of several runs, sorted together but not tested against each other: * and = hold within a run. "
            "`genbench compare` tests two runs."
        )
        if changed := _changed([trial for _, _, trial in members]):
            notes.append(f"The code of {', '.join(changed)} is not the same in all of these runs.")
    flags = [flag for row in board.rows for flag in formatting.flag_lines(row)]
    return Sheet(title, anchors.id("table", *key), columns_of(metrics), list(lines), by or "", notes, flags)


def _rank(row: Row, metric: str | None) -> tuple[bool, int, float]:
    """Return what sorts a row: without a score last, kinds of likelihood apart where they must be, best first."""
    from genbench.contracts.model import LIKELIHOODS

    cell = row.metrics.get(metric) if metric else None
    if cell is None or metric is None:
        return True, 0, 0.0
    card = card_of(metric)
    kind = LIKELIHOODS.index(row.likelihood) if card.by_likelihood else 0
    return False, kind, -cell.mean if card.higher_is_better else cell.mean


def _changed(trials: Sequence[TrialRecord]) -> list[str]:
    """Return the modules that scores hang on, apart from the models' own, and that differ between trials."""
    digests: dict[str, set[str]] = {}
    for trial in trials:
        for module, digest in trial.spec.sources.items():
            if ".models." not in module and ".nn." not in module:
                digests.setdefault(module, set()).add(digest)
    return sorted(module for module, found in digests.items() if len(found) > 1)


def _anchors_of(run: RunData) -> Anchors:
    """Return the anchors of a run's page, given in the order in which the page gives them."""
    anchors, board = Anchors(RESERVED), run.leaderboard()
    for row in board.rows:
        anchors.id(row.place, row.model)
    return anchors
