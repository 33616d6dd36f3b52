"""The page of one run: its parts and their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from genbench.analysis.environments import in_words
from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row
from genbench.core.errors import GenbenchError
from genbench.display.table_view import Column, TableView, board_view, columns
from genbench.report import curves, pairs, scatter
from genbench.report.counts import count, successes
from genbench.report.entries import Entry, entries
from genbench.report.figures import page_figures
from genbench.report.links import Links
from genbench.report.page import render
from genbench.report.page_figure import PageFigure
from genbench.report.pairs import PairPlot, pair_plots
from genbench.report.sample_panels import SIDE_BY_SIDE, Strip
from genbench.report.scatter import Scatter, scatters
from genbench.report.sheets import SHOWN, Sheet, sheet
from genbench.runs.submission import Author, Repeated, remarks

__all__ = ["Drawn", "explained", "lead", "occurring", "page_of", "run_page"]

# ids of the page itself
RESERVED = (
    "main", "leaderboard", "overview", "across", "figures", "models", "reading", "again", "runs",
    "filter-model", "filter-family", "filter-dataset",
)  # fmt: skip
MARGINS = {"left": scatter.LEFT, "bottom": scatter.BOTTOM, "right": scatter.RIGHT, "top": scatter.TOP}
CHART = {"chart_width": curves.WIDTH, "chart_height": curves.HEIGHT}
PAIRS = {"cell": pairs.CELL, "pairs_left": pairs.LEFT}
SIZE = {"width": scatter.WIDTH, "height": scatter.HEIGHT, **MARGINS, **CHART, **PAIRS}


@dataclass(frozen=True)
class Part:
    """The part of a dataset's section for one table; each task has its own table."""

    place: str
    sheet: Sheet
    scatters: list[Scatter]
    entries: list[Entry]


@dataclass(frozen=True)
class Section:
    """The section of one dataset: first samples side by side, then tables, figures, models."""

    dataset: str
    id: str
    link: str
    strip: Strip | None
    figures: list[PageFigure]
    pairs: PairPlot | None
    parts: list[Part]


@dataclass(frozen=True)
class Drawn:
    """The images of a page, and a line for each figure that is unavailable."""

    figures: Sequence[PageFigure] = ()
    notes: Sequence[str] = ()
    pairs: Mapping[str, PairPlot] = field(default_factory=dict)

    @classmethod
    def of(cls, run: RunData, names: Sequence[str] | None, jobs: int) -> Drawn:
        """Draw the figures of a run; for the arguments see `run_page`."""
        if names is None or not run.trials:
            return cls()
        return cls(*page_figures(run, names, jobs), pair_plots(run) if not names or "pairs" in names else {})


def run_page(
    run: RunData,
    figures: Sequence[str] | None = (),
    jobs: int = 0,
    home: str = "",
    author: Author | None = None,
    repeated: Repeated | None = None,
) -> str:
    """Return the page of a run as HTML in one file.

    Args:
        figures: names of figures; empty for the usual ones, None for no figures.
        jobs: number of processes that draw figures; 0 is this process.
        home: address of the index of all runs, relative to this page; "" for no index.
        author, repeated: for a submitted run, its author, and which of its trials are repeated here.

    Raises:
        GenbenchError: no trial of the run is finished.
    """
    return page_of(run, Drawn.of(run, figures, jobs), home, author, repeated)


def page_of(
    run: RunData, drawn: Drawn, home: str = "", author: Author | None = None, repeated: Repeated | None = None
) -> str:
    """Return the page of a run with images that are drawn already.

    For the rest see `run_page`.
    """
    if not run.trials:
        problem = f": {run.problems[0]}" if run.problems else ""
        raise GenbenchError(f"{run.path} has no finished trial to report{problem}; resume it with `genbench run`")
    board, links = run.leaderboard(), Links(RESERVED)
    datasets = list(dict.fromkeys(row.dataset for row in board.rows))
    view = board_view(board, "main")
    tables = {table.title: table for table in view.tables}
    return render(
        "report.html.j2",
        run=run,
        home=home,
        author=author,
        repeated=repeated,
        lead=lead(run),
        problems=[
            problem.replace(f"{run.path}/", "") for problem in (*run.problems, *(remarks(run) if author else ()))
        ],
        total=len(board.rows),
        sections=[_section(run, board, dataset, tables, drawn, links) for dataset in datasets],
        datasets=datasets,
        families=sorted({row.family for row in board.rows}),
        rankings=view.rankings,
        legend=view.notes,  # the page says elsewhere how it is sorted and what the marks mean
        common=[figure for figure in drawn.figures if not figure.dataset],
        size=SIZE,
        metrics=explained(board.metrics, board.rows),
        interval=interval(board),
        occurring=occurring(board.rows),
        commands=run.record.commands,
        facts=facts(run),
        notes=[note.replace(f"{run.path}/", "") for note in drawn.notes],
    )


def lead(run: RunData) -> str:
    """Return the facts of a run in one line: models, data, seeds, budget, successes."""
    trials = run.trials
    datasets = list(dict.fromkeys(t.dataset for t in trials))
    data = datasets[0] if len(datasets) == 1 else f"{len(datasets)} datasets"
    budgets = ", ".join(dict.fromkeys(trial.budget for trial in trials))
    tasks = [task for task in dict.fromkeys(trial.spec.task for trial in trials) if task != "generate"]
    parts = [
        f"{count(len({t.model for t in trials}), 'model')} on {data}",
        count(len({t.seed for t in trials}), "seed"),
        f"budget {budgets}",
        *([f"task {', '.join(tasks)}"] if tasks else []),
        successes(trials),
    ]
    return " · ".join(parts)


def explained(metrics: Sequence[str], rows: Sequence[Row]) -> list[Column]:
    """Return the metrics for which some row has a score, with their explanations."""
    known = [name for name in metrics if any(row.metrics.get(name) for row in rows)]
    return [column for column in columns(known) if column.better]


def occurring(rows: Sequence[Row]) -> set[str]:
    """Return the features of a table that need an explanation only if they occur."""
    found = {
        "likelihoods": any(row.likelihood in ("bound", "estimate") for row in rows),
        "flags": any(row.flags for row in rows),
        "failures": any(row.failed for row in rows),
        "controls": any(row.role != "model" for row in rows),
        "oracle": any(row.role == "oracle" for row in rows),
    }
    return {name for name, occurs in found.items() if occurs}


def facts(run: RunData) -> list[tuple[str, str]]:
    """Return the environment of a run, one line for each fact."""
    rows = [(name, in_words(values)) for name, values in run.environments.items()]
    protocol = asdict(run.trials[0].spec.protocol)
    rows += [(f"evidence: {name.replace('_', ' ')}", f"{number:,}") for name, number in protocol.items()]
    return rows


def interval(board: Leaderboard) -> str:
    """Return how the intervals of a leaderboard were computed, as text."""
    most = max((row.seeds for row in board.rows), default=0)
    if most < 2:
        return (
            "One seed: the standard error of the score, by its test points or sets of samples, without the spread of "
            "training runs."
        )
    text = "The half-width of the 95 % interval of the mean over seeds, by Student's t"
    return f"{text} below ten seeds, by the studentised bootstrap from ten seeds on." if most > 9 else f"{text}."


def _section(
    run: RunData,
    board: Leaderboard,
    dataset: str,
    tables: Mapping[str, TableView],
    drawn: Drawn,
    links: Links,
) -> Section:
    places = dict.fromkeys(row.place for row in board.rows if row.dataset == dataset)
    name = links.id(dataset)
    here = [figure for figure in drawn.figures if figure.dataset == dataset]
    side_by_side = [figure for kind in SIDE_BY_SIDE for figure in here if figure.figure == kind and not figure.moving]
    strip = Strip.of(side_by_side[0], links.id("samples of", dataset)) if side_by_side else None
    return Section(
        dataset=dataset,
        id=name,
        link=links.link(dataset),
        strip=strip,
        figures=[figure for figure in here if not strip or figure is not strip.figure],
        pairs=drawn.pairs.get(dataset),
        parts=[_part(run, board, place, tables[place], links) for place in places],
    )


def _part(run: RunData, board: Leaderboard, place: str, table: TableView, links: Links) -> Part:
    rows, chosen = [row for row in board.rows if row.place == place], table.select(*SHOWN)
    hrefs = [links.link(place, row.model) for row in chosen.rows]
    return Part(
        place=place,
        sheet=sheet(chosen, links.id("table", place), hrefs),
        scatters=scatters(rows, board.sorted_by(place), links),
        entries=list(entries(run, board, place, links)),
    )
