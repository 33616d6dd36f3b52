"""`genbench report`: a page of a run, or a site of many runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.options import MarginText, Plugins, read_plugins, say, say_file
from genbench.core.errors import GenbenchError

__all__ = ["report"]


Runs = Annotated[
    list[Path],
    typer.Argument(metavar="RUN", help="Folder of a run: makes a page. Several, or a folder of runs: makes a site."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="File of the page (default: report.html in the folder of the run), or folder of the site (default: site).",
    ),
]
Figures = Annotated[
    str,
    typer.Option(
        metavar="main|all|none|NAMES",
        help="Figures in the page. main: all that need no trained model, and those that `genbench plot` has drawn. "
        "all: also those that need trained models, which takes longer. none, or names of figures.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Processes that draw. 0: this process. Default: one for each core."),
]
HowToSubmit = Annotated[
    bool, typer.Option("--how-to-submit", help="Add a page to the site that says how to add a row.")
]


def report(
    run: Runs,
    output: Output = None,
    figures: Figures = "main",
    jobs: Jobs = None,
    margin: MarginText = None,
    how_to_submit: HowToSubmit = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Write a web page of a run, or a site of many runs.

    The page is one file with the leaderboard, figures, costs, losses and failures. It needs no server and loads nothing
    from elsewhere. A site has an index that compares all scores and a page for each run, for any static host.

      genbench report results/moons-quick
      genbench report results/ -o site/
      genbench report results/submitted/theirs
    """
    from genbench.analysis.verdicts import Margin
    from genbench.api import load_run
    from genbench.core.hardware import cores
    from genbench.core.registry import discover
    from genbench.report import write_report
    from genbench.report.site import write_site
    from genbench.runs.submission import is_submission, remarks

    if plugins := read_plugins(plugin):
        discover(tuple(plugins))
    names, processes = _names(figures), cores() if jobs is None else jobs
    good = None if margin is None else Margin.parse(margin)
    if len(run) == 1 and ((run[0] / "run.json").exists() or not run[0].is_dir()):
        loaded = load_run(run[0])
        loaded.margin = good
        say_file(write_report(loaded, output or run[0] / "report.html", names, processes))
        for problem in (*loaded.problems, *(remarks(loaded) if is_submission(loaded.path) else ())):
            say(problem)
        return
    for file in write_site(run, output or Path("site"), names, processes, say, good, how_to_submit):
        say_file(file)


def _names(figures: str) -> list[str] | None:
    """Return the figures that were asked for: empty for the usual ones, None for none.

    Raises:
        GenbenchError: one is unknown.
    """
    from genbench.core.errors import nearest
    from genbench.figures import available

    if figures in ("main", "none"):
        return [] if figures == "main" else None
    known = list(available())
    names = known if figures == "all" else [name.strip() for name in figures.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise GenbenchError(f"no figure '{name}'{nearest(name, [*known, 'main', 'all', 'none'])}")
    return names
