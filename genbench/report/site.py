"""A site of many runs: an index with cards, a table of all scores, and a page per run."""

from __future__ import annotations

import json
import os
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
from genbench.display.table_view import table_view
from genbench.report import write_page
from genbench.report.cards import Card, card
from genbench.report.links import Links
from genbench.report.page import render
from genbench.report.run_page import RESERVED, Drawn, explained, occurring, page_of
from genbench.report.sheets import SHOWN, Sheet, sheet
from genbench.runs.submission import Author, Repeated, is_ours, is_submission, remarks, repeated_here, submitted
from genbench.storage.outside import BUDGET
from genbench.storage.records import TrialRecord, TrialSpec
from genbench.storage.store import Store

__all__ = ["Home", "together", "write_site"]

PAGE = "report.html"
HOW_TO_SUBMIT = "submit.html"
REPEAT = ["bundle", "--repeat"]


@dataclass(frozen=True)
class Home:
    """A run of a site, its card, and the address of its page relative to the index.

    Attributes:
        author: the author of a submitted run; None for other runs.
        repeated: for a submitted run, which of its trials are repeated here.
    """

    run: RunData
    name: str
    href: str
    card: Card
    author: Author | None = None
    repeated: Repeated | None = None

    def mark(self, keys: Sequence[str]) -> str:
        """Return the note beside the run's name in a row; "" if the run was not submitted."""
        return f"submitted, repeated here: {self.repeated.words(keys)}" if self.repeated else ""


Key = tuple[str, str, str, str]  # equal for rows that were measured alike: place, budget, evidence, data
Member = tuple[Home, Row, TrialRecord]  # a row with its run and its first trial


def write_site(
    folders: Path | Sequence[Path],
    out: Path,
    figures: Sequence[str] | None,
    jobs: int,
    say: Callable[[str], None],
    margin: Margin | None = None,
    how_to_submit: bool = False,
) -> list[Path]:
    """Write an index of all runs in some folders, and a page for each; return the files.

    Runs may be at any depth. A run that cannot be read, has no trial, or is an invalid submission is left out, and
    named on the index and in a line for `say`. No file in `out` is deleted, and only pages of genbench are replaced.

    Args:
        figures, jobs: as in `run_page`.
        say: called with one line for each problem.
        margin: how much worse than the best counts as good; None for each metric's own.
        how_to_submit: whether to write a page that explains how to add a row.

    Raises:
        GenbenchError: there is no run, or a file cannot be written.
    """
    base, found = _found([folders] if isinstance(folders, Path) else folders, out)
    problems: list[str] = []
    homes: list[Home] = []
    files: list[Path] = []
    others = [Store(path) for path in found if is_ours(path, base)]
    theirs = [path for path in found if is_submission(path, base)]
    for path in _listed(found, theirs, others):
        place = path.relative_to(base)
        try:
            home, page = _home(path, place, others if path in theirs else None, margin, figures, jobs)
        except GenbenchError as error:
            problems.append(str(error))
            continue
        problems += home.run.problems
        problems += [*remarks(home.run), *home.repeated.different] if home.repeated else []
        files.append(write_page(out / place / PAGE, page))
        homes.append(home)
    for problem in problems:
        say(problem)
    if how_to_submit:
        files.append(write_page(out / HOW_TO_SUBMIT, render("submit.html.j2")))
    index = _index(homes, [problem.replace(f"{base}/", "") for problem in problems], how_to_submit)
    return [write_page(out / "index.html", index), *files]


def _found(folders: Sequence[Path], out: Path) -> tuple[Path, list[Path]]:
    """Return the folder that places of runs are relative to, and all runs in it except those of `out`.

    Raises:
        GenbenchError: there is none.
    """
    beyond, several = out.resolve(), len(folders) > 1
    roots = [folder.absolute() if several else folder for folder in folders]
    base = Path(os.path.commonpath(roots)) if several else roots[0]
    paths = dict.fromkeys(file.parent for root in roots for file in sorted(root.rglob("run.json")))
    found = [path for path in paths if beyond not in path.resolve().parents]
    if not found:
        names = " and ".join(map(str, folders))
        raise GenbenchError(f"{names} holds no run (no run.json at any depth); start one with `genbench run`")
    return base, found


def _listed(found: Sequence[Path], theirs: Sequence[Path], others: Sequence[Store]) -> list[Path]:
    """Return the runs that get a page: all except those that only repeat submitted ones."""
    known = {key for path in theirs for key in Store(path).finished()}
    copies = {store.path for store in others if _repeats(store) and known >= set(store.finished())}
    return [path for path in found if path.absolute() not in copies]


def _repeats(store: Store) -> bool:
    """Whether a run was made by `genbench bundle --repeat` alone."""
    try:
        requests = store.read_run().requests
    except GenbenchError:  # its page names what is wrong
        return False
    return bool(requests) and all(request.get("command", "")[1:3] == REPEAT for request in requests)


def _home(
    path: Path,
    place: Path,
    others: Sequence[Store] | None,
    margin: Margin | None,
    figures: Sequence[str] | None,
    jobs: int,
) -> tuple[Home, str]:
    """Return a run of the site, and its page.

    Args:
        others: of a submitted run, those that were made here; else None.

    Raises:
        GenbenchError: it cannot be read, has no trial, or is no valid submission.
    """
    run = RunData(path)
    run.margin = margin
    author = None if others is None else submitted(run)
    repeated = None if others is None else repeated_here(run, others)
    drawn = Drawn.of(run, figures, jobs)
    page = page_of(run, drawn, f"{'../' * len(place.parts)}index.html", author, repeated)
    href = quote(f"{place.as_posix()}/{PAGE}")
    return Home(run, place.as_posix(), href, card(run, drawn.figures), author, repeated), page


def _index(homes: Sequence[Home], problems: Sequence[str], how_to_submit: bool) -> str:
    tables = together(homes)
    shown = [line.row for one in tables for line in one.lines]
    rows = [row for home in homes for row in home.run.leaderboard().rows]
    metrics = list(dict.fromkeys(name for home in homes for name in home.run.leaderboard().metrics))
    return render(
        "site.html.j2",
        homes=sorted(homes, key=lambda home: home.card.date, reverse=True),  # equal days in the order of the folders
        problems=problems,
        sheets=tables,
        total=len(shown),
        datasets=sorted({row.dataset for row in shown}),
        families=sorted({row.family for row in shown}),
        metrics=explained(metrics, rows),
        occurring=occurring(rows),
        how_to_submit=HOW_TO_SUBMIT if how_to_submit else "",
        interval="The half-width of the 95 % interval of the mean over seeds, as on the page of the run; "
        "with one seed, the standard error of the score.",
    )


def together(homes: Sequence[Home]) -> list[Sheet]:
    """Return a table for each group of rows that were measured in the same way.

    The rows are from all runs, the best first. The same way means the same data and parameters, the same budget and the
    same amount of evidence. Marks and intervals come from the run of a row; rows of different runs are not tested
    against each other. Samples from outside have their own tables, with the oracle of their run, because the budget of
    their training is unknown.
    """
    groups: dict[Key, list[Member]] = {}
    for home in homes:
        trials = grouped(home.run.trials)
        for row in home.run.leaderboard().rows:
            its = trials[row.place, row.model]
            key = _comparable(row.place, its)
            groups.setdefault(key, []).append((home, row, its[0]))
            if row.role == "oracle" and any(one.spec.outside and one.place == row.place for one in home.run.trials):
                groups.setdefault((key[0], BUDGET, *key[2:]), []).append((home, row, its[0]))
    order, links = sorted(groups, key=lambda key: (key[0], -len(groups[key]))), Links(RESERVED)
    specs = {key: members[0][2].spec for key, members in groups.items()}
    return [_sheet(_title(key, specs), groups[key], links.id("table", *key)) for key in order]


def _title(key: Key, specs: Mapping[Key, TrialSpec]) -> str:
    """Return the heading of a table: data, budget, samples, and what distinguishes it from similar tables."""
    place, budget, _, data = key
    mine = asdict(specs[key].protocol)
    rivals = [asdict(spec.protocol) for other, spec in specs.items() if other[:2] == key[:2]]
    names = dict.fromkeys(["samples", *sorted(name for rival in rivals for name in rival)])
    parts = [place, "samples from outside" if budget == BUDGET else f"budget {budget}"]
    telling = [name for name in names if name == "samples" or len({rival.get(name) for rival in rivals}) > 1]
    parts += [f"{mine[name]:,} {name}" if name in mine else f"{name} not given" for name in telling]
    if any(other[0] == place and other[3] != data for other in specs):
        params = sorted(specs[key].dataset_params.items())
        parts.append(", ".join(f"{name} {value}" for name, value in params) or "other data")
    return ", ".join(parts)


def _comparable(place: str, trials: Sequence[TrialRecord]) -> Key:
    """Return the key that is equal for rows of one table."""
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
    kinds = [kind for kind in SHOWN if not (several and kind == "verdict")]  # each run has its own leader
    table = table_view(title, [row for _, row, _ in members], metrics, by).select(*kinds)
    hrefs = [home.href + _links_of(home.run).link(row.place, row.model) for home, row, _ in members]
    drawn = sheet(table, identifier, hrefs)
    lines = []
    for (home, row, _), line in zip(members, drawn.lines, strict=True):
        keys = [trial.key for trial in grouped(home.run.trials)[row.place, row.model]]
        lines.append(replace(line, run=home.name, run_href=home.href, mark=home.mark(keys)))
    notes = []
    if several:
        notes.append(
            "Rows of several runs, sorted together but not tested against each other: *, = and ? hold within a run. "
            "`genbench compare` tests two runs."
        )
        if changed := _changed([trial for _, _, trial in members]):
            notes.append(f"The code of {', '.join(changed)} is not the same in all of these runs.")
    return replace(drawn, table=replace(table, notes=notes, flags=flags), lines=lines)


def _changed(trials: Sequence[TrialRecord]) -> list[str]:
    """Return the names of the digests of data and metrics that differ between trials."""
    digests: dict[str, set[str]] = {}
    for trial in trials:
        for module, digest in trial.spec.sources.items():
            if module.startswith(("dataset", "evaluation", "metric ")):
                digests.setdefault(module, set()).add(digest)
    return sorted(module for module, found in digests.items() if len(found) > 1)


def _links_of(run: RunData) -> Links:
    """Return the links of a run's page, made in the same order as there."""
    links, board = Links(RESERVED), run.leaderboard()
    for row in board.rows:
        links.id(row.place, row.model)
    return links
