"""A site of many runs: an index of them, their scores beside each other, and a page a run, for any static host."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

from genbench.analysis.leaderboard import grouped
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row, column_order, sort_key
from genbench.analysis.verdicts import Margin
from genbench.core.errors import GenbenchError
from genbench.display import formatting
from genbench.display.table_view import columns, table_view
from genbench.report import write_page
from genbench.report.links import Links
from genbench.report.page import render
from genbench.report.run_page import RESERVED, lead, run_page
from genbench.report.sheets import SHOWN, Line, Sheet
from genbench.storage.records import TrialRecord, TrialSpec

__all__ = ["Home", "together", "write_site"]

PAGE = "report.html"


@dataclass(frozen=True)
class Home:
    """A run of a site: what it is, and where its page is as seen from the index."""

    run: RunData
    name: str
    href: str
    lead: str


Key = tuple[str, str, str, str]  # what rows that were measured alike share: place, budget, evidence, data
Member = tuple[Home, Row, TrialRecord]  # a row with its run and its first trial


def write_site(
    folder: Path,
    out: Path,
    figures: Sequence[str] | None,
    jobs: int,
    say: Callable[[str], None],
    margin: Margin | None = None,
) -> list[Path]:
    """Write an index of all runs at any depth of a folder, and a page for each; returns the files.

    What cannot be read, or holds no trial, is named on the index and in `say`, and left out. Nothing in `out` is
    deleted, and no file there is replaced that is not such a page.

    Args:
        figures, jobs: as in `run_page`.
        say: called with a line for each problem.
        margin: how much worse than the best is still as good; None for each metric's own.

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
            run.margin = margin
            page = run_page(run, figures, jobs, home=f"{up}index.html")
        except GenbenchError as error:
            problems.append(str(error))
            continue
        problems += run.problems
        files.append(write_page(out / place / PAGE, page))
        href = quote(f"{place.as_posix()}/{PAGE}")
        homes.append(Home(run=run, name=place.as_posix(), href=href, lead=lead(run)))
    for problem in problems:
        say(problem)
    tables = together(homes)
    rows = [line.row for sheet in tables for line in sheet.lines]
    metrics = list(dict.fromkeys(name for home in homes for name in home.run.leaderboard().metrics))
    index = render(
        "site.html.j2",
        homes=homes,
        problems=[problem.replace(f"{folder}/", "") for problem in problems],
        sheets=tables,
        total=len(rows),
        datasets=sorted({row.dataset for row in rows}),
        families=sorted({row.family for row in rows}),
        metrics=[column for column in columns(metrics) if column.better],
        interval="The half-width of the 95 % interval of the mean over seeds, as on the page of the run; "
        "with one seed, the standard error of the score.",
    )
    return [write_page(out / "index.html", index), *files]


def together(homes: Sequence[Home]) -> list[Sheet]:
    """Return a table for each group of rows of all runs that were measured alike, best first, controls in their place.

    Alike are the same data with the same parameters, the same budget and the same amount of evidence. Marks and
    intervals are those of the run that a row is of; rows of different runs are not tested against each other.
    """
    groups: dict[Key, list[Member]] = {}
    for home in homes:
        trials = grouped(home.run.trials)
        for row in home.run.leaderboard().rows:
            its = trials[row.place, row.model]
            groups.setdefault(_comparable(row.place, its), []).append((home, row, its[0]))
    order, links = sorted(groups, key=lambda key: (key[0], -len(groups[key]))), Links(RESERVED)
    specs = {key: members[0][2].spec for key, members in groups.items()}
    return [_sheet(_title(key, specs), groups[key], links.id("table", *key)) for key in order]


def _title(key: Key, specs: Mapping[Key, TrialSpec]) -> str:
    """Return the heading of a table: data, budget, samples, and its differences from others that share these."""
    place, budget, _, data = key
    mine = asdict(specs[key].protocol)
    rivals = [asdict(spec.protocol) for other, spec in specs.items() if other[:2] == key[:2]]
    names = dict.fromkeys(["samples", *sorted(name for rival in rivals for name in rival)])
    parts = [place, f"budget {budget}"]
    telling = [name for name in names if name == "samples" or len({rival.get(name) for rival in rivals}) > 1]
    parts += [f"{mine[name]:,} {name}" if name in mine else f"{name} not given" for name in telling]
    if any(other[0] == place and other[3] != data for other in specs):
        params = sorted(specs[key].dataset_params.items())
        parts.append(", ".join(f"{name} {value}" for name, value in params) or "other data")
    return ", ".join(parts)


def _comparable(place: str, trials: Sequence[TrialRecord]) -> Key:
    """Return what rows of one table have in common."""
    spec, budgets = trials[0].spec, dict.fromkeys(trial.budget for trial in trials)
    data = json.dumps([spec.dataset_name, spec.dataset_params, spec.data_fingerprint], sort_keys=True)
    return place, " and ".join(budgets), json.dumps(asdict(spec.protocol), sort_keys=True), data


def _sheet(title: str, members: Sequence[Member], identifier: str) -> Sheet:
    rows = [row for _, row, _ in members]
    known = sorted({name for row in rows for name in row.metrics}, key=column_order)
    metrics = formatting.main_metrics(rows, known)
    alive = [row for row in rows if row.seeds]
    by = next((name for name in metrics if all(row.metrics.get(name) for row in alive)), None)
    flags = [flag for row in rows for flag in formatting.flag_lines(row)]  # in the order of the runs
    members = sorted(members, key=lambda member: sort_key(member[1], by))
    several = len({home.name for home, _, _ in members}) > 1
    kinds = [kind for kind in SHOWN if not (several and kind == "verdict")]  # who leads in one run may not in another
    table = table_view(title, [row for _, row, _ in members], metrics, by).select(*kinds)
    lines = []
    for (home, row, _), shown in zip(members, table.rows, strict=True):
        href = home.href + _links_of(home.run).link(row.place, row.model)
        lines.append(Line(row=shown, href=href, run=home.name, run_href=home.href))
    notes = []
    if several:
        notes.append(
            "Rows of several runs, sorted together but not tested against each other: *, = and ? hold within a run. "
            "`genbench compare` tests two runs."
        )
        if changed := _changed([trial for _, _, trial in members]):
            notes.append(f"The code of {', '.join(changed)} is not the same in all of these runs.")
    return Sheet(table=replace(table, notes=notes, flags=flags), id=identifier, lines=lines)


def _changed(trials: Sequence[TrialRecord]) -> list[str]:
    """Return the modules that scores depend on and that differ between trials, without the models' own."""
    digests: dict[str, set[str]] = {}
    for trial in trials:
        for module, digest in trial.spec.sources.items():
            if ".models." not in module and ".nn." not in module:
                digests.setdefault(module, set()).add(digest)
    return sorted(module for module, found in digests.items() if len(found) > 1)


def _links_of(run: RunData) -> Links:
    """Return the links of a run's page, made in the same order as there."""
    links, board = Links(RESERVED), run.leaderboard()
    for row in board.rows:
        links.id(row.place, row.model)
    return links
