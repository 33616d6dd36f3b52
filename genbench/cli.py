"""The command line: parse, call, print."""

from __future__ import annotations

import gc
import sys
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from genbench import __version__
from genbench.errors import GenbenchError

__all__ = ["main"]

app = typer.Typer(
    name="genbench",
    help="Compare generative models on problems where the truth is known.\n\n"
    "Start with: genbench run --models all --data moons",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Plugins = Annotated[
    list[str],
    typer.Option(
        "--plugin",
        metavar="PATH",
        help="A Python file, or a folder of them, with models, datasets or metrics of your own. Repeat for more; "
        'genbench.toml can name them: plugins = ["my_model.py"].',
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, such as results/moons-quick.")]


class Group(StrEnum):
    """What `list` can list."""

    models = "models"
    datasets = "datasets"
    metrics = "metrics"


class Format(StrEnum):
    """How a leaderboard is written."""

    table = "table"
    csv = "csv"
    md = "md"
    tex = "tex"
    json = "json"


def _version(shown: bool) -> None:
    if shown:
        typer.echo(f"genbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    models: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Models: all, zoo (with their variants), a family, or names with parameters: cfm,vae[latent_dim=4].",
        ),
    ] = "all",
    data: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Datasets: all, a family, or names with parameters: moons,circles[noise=0.1]."
        ),
    ] = "moons",
    seeds: Annotated[
        str, typer.Option(metavar="N|LIST", help="How many seeds (3 is 0, 1, 2), or which: 4,7 (a single one: 4,).")
    ] = "3",
    budget: Annotated[
        str,
        typer.Option(
            help="Training of each model: smoke (a check that all works), quick (about 10 s), standard (about 45 s), "
            "steps (2000), or seconds (30s; not repeatable bit by bit)."
        ),
    ] = "quick",
    metrics: Annotated[str, typer.Option(metavar="NAMES", help="Metrics: all, a family, or names.")] = "all",
    jobs: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Worker processes, one thread each; 0 runs in this process, without timeouts. Default: one per core.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the run. Default: from data and budget, so that the same command goes on where it stopped."
        ),
    ] = None,
    results: Annotated[Path, typer.Option(help="Where runs are kept.")] = Path("results"),
    timeout: Annotated[
        float | None,
        typer.Option(
            min=1, help="Seconds after which a trial is stopped. Default: 300 for smoke, 900 for quick, else 3600."
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=2, help="Points drawn from each model for the scores. Default: 50,000.")
    ] = None,
    train: Annotated[
        int | None, typer.Option(min=2, help="Training points of a synthetic dataset. Default: 20,000.")
    ] = None,
    sort: Annotated[str | None, typer.Option(metavar="METRIC", help="Sort the table by this metric.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run failed trials again.")] = False,
    why: Annotated[bool, typer.Option("--why", help="Say which trials would run, and why, and run nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Train and score models, show the leaderboard, draw the samples side by side.

    Finished trials are kept and never run again: after a stop, of whatever kind, the same command goes on.
    Every dataset gets the oracle, draws from the truth itself, whose score stands beside every score.

      genbench run --models all --data moons
      genbench run --models cfm,ddpm --data moons,ring --seeds 5 --budget standard
      genbench run --models my_model,cfm --plugin my_model.py
    """
    from genbench import api

    plugins = _plugins(plugin)
    if sort is not None:
        _known_metric(sort, metrics, plugins)
    if why:
        _explain(models, data, seeds, budget, metrics, {"samples": samples, "train": train}, name, results, plugins)
        return
    finished = api.run(
        models, data, seeds, budget, metrics=metrics, name=name, results=results, jobs=jobs, timeout=timeout,
        plugins=plugins, samples=samples, train=train, retry_failed=retry_failed, progress=not quiet, say=_say,
    )  # fmt: skip
    _publish(finished, sort)
    if any(trial.status != "ok" for trial in finished.trials):
        raise typer.Exit(1)


@app.command("list")
def list_(
    group: Annotated[Group, typer.Argument(help="What to list.")] = Group.models,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """List models, datasets or metrics with their parameters and what they are."""
    from genbench.catalogue import print_catalogue
    from genbench.registry import discover

    plugins = _plugins(plugin)
    gc.disable()  # a quarter of the time is the collector, looking at what the imports leave for good
    discover(tuple(plugins), groups=tuple(Group) if plugins else (group.value,))
    gc.freeze()
    print_catalogue(group.value)


@app.command()
def leaderboard(
    run: RunFolder,
    sort: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Sort by this metric. Default: the first that all models have.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.table,
    columns: Annotated[str, typer.Option(metavar="main|all|NAMES", help="Which metrics the table shows.")] = "main",
) -> None:
    """Show the leaderboard of a run, computed from its files."""
    from genbench.api import load_run
    from genbench.tables import render, show

    loaded = load_run(run)
    board = loaded.leaderboard(sort)
    for problem in loaded.problems:
        _say(problem)
    if format is Format.table:
        show(board, columns)
    else:
        typer.echo(render(board, format.value), nl=False)


@app.command()
def plot(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A run's folder.")] = None,
    figures: Annotated[
        list[str] | None, typer.Argument(metavar="[FIGURE]...", help="Which figures. Default: all.")
    ] = None,
    list_figures: Annotated[bool, typer.Option("--list", help="List the figures and exit.")] = False,
) -> None:
    """Draw the figures of a run, from its files, into its figures folder."""
    from genbench.api import load_run
    from genbench.figures import available, save

    if list_figures:
        for name, what in available().items():
            typer.echo(f"{name:12} {what}")
        return
    if run is None:
        raise GenbenchError(
            "plot needs a run's folder, such as results/moons-quick; `genbench plot --list` lists the figures"
        )
    loaded = load_run(run)
    for file in save(loaded, figures or ()):
        typer.echo(str(file))
    for problem in loaded.problems:
        _say(problem)


def main() -> None:
    """Run the command line: exit code 0 when all is well, 1 when trials failed, 2 when the request was wrong."""
    try:
        app()
    except GenbenchError as error:
        _say(f"error: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        _say("interrupted; finished trials are kept, the same command goes on")
        sys.exit(130)


def _say(text: str) -> None:
    typer.echo(f"genbench: {text}", err=True)


def _plugins(given: list[str]) -> list[str]:
    """Return the plugins of genbench.toml in this folder, then those of the command line.

    Raises:
        GenbenchError: genbench.toml cannot be read, or its `plugins` is not a list of paths.
    """
    file = Path("genbench.toml")
    if not file.exists():
        return given
    try:
        settings: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GenbenchError(f"cannot read {file.resolve()}: {error}; mend it or move it away") from None
    named = settings.get("plugins", [])
    if not isinstance(named, list) or not all(isinstance(path, str) for path in named):
        raise GenbenchError(f'{file.resolve()}: plugins must be a list of paths: plugins = ["my_model.py"]')
    unknown = set(settings) - {"plugins"}
    if unknown:
        raise GenbenchError(f"{file.resolve()}: unknown setting '{min(unknown)}'; known: plugins")
    return [*named, *given]


def _known_metric(sort: str, metrics: str, plugins: list[str]) -> None:
    """Refuse a metric that will not be there, before anything is run."""
    from genbench.errors import nearest
    from genbench.registry import REGISTRY, discover

    discover(tuple(plugins), groups=("metrics",))
    chosen = [spec.name for spec in REGISTRY["metrics"].select(metrics)]
    if sort not in chosen:
        raise GenbenchError(f"cannot sort by '{sort}', which is no metric of this run{nearest(sort, chosen)}")


def _explain(
    models: str,
    data: str,
    seeds: str,
    budget: str,
    metrics: str,
    protocol: dict[str, int | None],
    name: str | None,
    results: Path,
    plugins: list[str],
) -> None:
    from genbench.api import default_name
    from genbench.metric import Protocol
    from genbench.plan import make_plan
    from genbench.registry import discover
    from genbench.runner import remaining, why
    from genbench.store import Store

    discover(tuple(plugins))
    plan = make_plan(models, data, seeds, budget, metrics, protocol=Protocol.asked(**protocol), plugins=plugins)
    store = Store(results / (name or default_name(data, budget)))
    todo, _ = remaining(plan.trials, store)
    for spec in todo:
        typer.echo(f"{spec.model} on {spec.dataset}, seed {spec.seed}: {why(spec, store)}")
    typer.echo(f"{len(todo)} of {len(plan.trials)} trials would run")


def _publish(run: Any, sort: str | None) -> None:
    """Write the table in all formats, draw the figures, show the table, and say where everything is."""
    from genbench.figures import save
    from genbench.tables import FORMATS, render, show

    board = run.leaderboard(sort)
    files = [run.store.write_text(f"leaderboard.{form}", render(board, form)) for form in FORMATS]
    files += save(run)
    show(board)
    typer.echo("")
    for file in files:
        typer.echo(str(file))


if __name__ == "__main__":
    main()
