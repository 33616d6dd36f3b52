"""The page of one run: its parts and their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from genbench.analysis.environments import in_words
from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError
from genbench.display.table_view import board_view, columns
from genbench.report import curves, pairs, scatter
from genbench.report.entries import Entry, entries
from genbench.report.figures import PageFigure, page_figures
from genbench.report.links import Links
from genbench.report.page import render
from genbench.report.pairs import PairPlot, pair_plots
from genbench.report.scatter import Scatter, scatters
from genbench.report.sheets import sheets
from genbench.runs.submission import Author, Repeated

__all__ = ["run_page"]

# ids of the page itself
RESERVED = ("main", "leaderboard", "reading", "again", "runs", "filter-model", "filter-family", "filter-dataset")
MARGINS = {"left": scatter.LEFT, "bottom": scatter.BOTTOM, "right": scatter.RIGHT, "top": scatter.TOP}
CHART = {"chart_width": curves.WIDTH, "chart_height": curves.HEIGHT}
PAIRS = {"cell": pairs.CELL, "pairs_left": pairs.LEFT}
SIZE = {"width": scatter.WIDTH, "height": scatter.HEIGHT, **MARGINS, **CHART, **PAIRS}


@dataclass(frozen=True)
class Part:
    """One table's share of a dataset's section; a dataset with several tasks has several."""

    place: str
    scatters: list[Scatter]
    entries: list[Entry]


@dataclass(frozen=True)
class Section:
    """What the page shows of one dataset."""

    dataset: str
    id: str
    link: str
    figures: list[PageFigure]
    pairs: PairPlot | None
    parts: list[Part]


def run_page(
    run: RunData,
    figures: Sequence[str] | None = (),
    jobs: int = 0,
    home: str = "",
    author: Author | None = None,
    repeated: Repeated | None = None,
) -> str:
    """Return the page of a run as HTML, whole in itself.

    Args:
        figures: names of figures; empty for the usual ones, None for none at all.
        jobs: processes that draw figures; 0 is this one.
        home: where the index of all runs is, as seen from this page; empty for none.
        author, repeated: of a submitted run, who did so and which of its trials are repeated here.

    Raises:
        GenbenchError: no trial of the run is finished.
    """
    if not run.trials:
        problem = f": {run.problems[0]}" if run.problems else ""
        raise GenbenchError(f"{run.path} has no finished trial to report{problem}; go on with `genbench run`")
    board, links = run.leaderboard(), Links(RESERVED)
    found, notes = page_figures(run, figures, jobs) if figures is not None else ([], [])
    datasets = list(dict.fromkeys(row.dataset for row in board.rows))
    drawn = pair_plots(run) if figures is not None and (not figures or "pairs" in figures) else {}
    sections = [_section(run, board, dataset, found, drawn.get(dataset), links) for dataset in datasets]
    view = board_view(board, "main")
    return render(
        "report.html.j2",
        run=run,
        home=home,
        author=author,
        repeated=repeated,
        lead=lead(run),
        problems=[problem.replace(f"{run.path}/", "") for problem in run.problems],
        sheets=sheets(view, links),
        total=len(board.rows),
        sections=sections,
        datasets=datasets,
        families=sorted({row.family for row in board.rows}),
        rankings=view.rankings,
        legend=view.notes,  # the page says elsewhere how it is sorted and what the marks mean
        common=[figure for figure in found if not figure.dataset],
        size=SIZE,
        metrics=[column for column in columns(board.metrics) if column.better],
        interval=interval(board),
        commands=run.record.commands,
        facts=facts(run),
        notes=[note.replace(f"{run.path}/", "") for note in notes],
    )


def lead(run: RunData) -> str:
    """Return what a run is in one line: how many models, datasets, seeds and trials, with which budget."""
    trials = run.trials
    parts = [
        _count(len({t.model for t in trials}), "model"),
        _count(len({t.dataset for t in trials}), "dataset"),
        _count(len({t.seed for t in trials}), "seed"),
    ]
    statuses = Counter(str(trial.status) for trial in trials)
    states = ", ".join(f"{n} {status}" for status, n in statuses.items())
    budgets = ", ".join(dict.fromkeys(trial.budget for trial in trials))
    tasks = ", ".join(dict.fromkeys(trial.spec.task for trial in trials))
    return f"{', '.join(parts)}. {_count(len(trials), 'trial')}: {states}. Task: {tasks}. Budget: {budgets}."


def facts(run: RunData) -> list[tuple[str, str]]:
    """Return the environment of a run, a line each."""
    rows = [(name, in_words(values)) for name, values in run.environments.items()]
    protocol = asdict(run.trials[0].spec.protocol)
    rows += [(f"evidence: {name.replace('_', ' ')}", f"{number:,}") for name, number in protocol.items()]
    return rows


def interval(board: Leaderboard) -> str:
    """Return how the intervals of a leaderboard were found."""
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
    found: Sequence[PageFigure],
    drawn: PairPlot | None,
    links: Links,
) -> Section:
    places = dict.fromkeys(row.place for row in board.rows if row.dataset == dataset)
    name = links.id(dataset)
    parts = []
    for place in places:
        rows = [row for row in board.rows if row.place == place]
        metric = board.sorted_by(place)
        drawings, models = scatters(rows, metric, links), list(entries(run, board, place, links))
        parts.append(Part(place=place, scatters=drawings, entries=models))
    here = [figure for figure in found if figure.dataset == dataset]
    return Section(dataset=dataset, id=name, link=links.link(dataset), figures=here, pairs=drawn, parts=parts)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
