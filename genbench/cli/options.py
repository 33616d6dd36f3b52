"""The common part of commands: lines to the user, plugins, and shared options."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from genbench.core.errors import GenbenchError, shown
from genbench.core.files import from_here

__all__ = ["DataDir", "Device", "MarginText", "Plugins", "RunFolder", "WorkerJobs", "read_plugins", "say", "say_file"]

LONGEST = 4_000  # letters of a line; by hand: a screen

Plugins = Annotated[
    list[str],
    typer.Option(
        "--plugin",
        metavar="PATH",
        help="Python file with models, datasets or metrics of your own, or a folder of such files. Repeat the option "
        'for more. The file genbench.toml can name them, too: plugins = ["my_model.py"].',
        rich_help_panel="Where it runs",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="PATH",
        help="Folder with the files of image datasets, such as PATH/mnist. It is searched before the folders of the "
        "environment variable GENBENCH_DATA and the cache.",
        rich_help_panel="Where it runs",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda|mps",
        help="Device of torch models. auto: cuda or mps if there is one, else cpu.",
        rich_help_panel="Where it runs",
    ),
]
WorkerJobs = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=0, help="Worker processes of one thread each. 0: this process. Default: one for each core."
    ),
]
MarginText = Annotated[
    str | None,
    typer.Option(
        "--margin",
        metavar="10%|0.05",
        help="Largest amount by which a model may be worse than the best and still be as good. 10%: a share, for "
        "scores that are compared by quotients, such as distances. 0.05: a difference in the metric's unit, for the "
        "others, such as nats and accuracies. Or both: 10%,0.05. A smaller margin leaves more "
        "verdicts open. Default: the smallest difference that the metric can show, and at most 25% for quotients.",
        rich_help_panel="Table and verdicts",
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, such as results/moons-quick.")]


def say(text: str) -> None:
    """Write a line for the user to stderr, apart from the output of the command."""
    typer.echo(f"genbench: {shown(text, LONGEST)}", err=True)


def say_file(file: Path) -> None:
    """Print the path of a file, relative to the current folder if the file is in it."""
    typer.echo(str(from_here(file)))


def read_plugins(given: list[str]) -> list[str]:
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
        raise GenbenchError(f"cannot read {file.resolve()}: {error}; fix it or move it away") from None
    named = settings.get("plugins", [])
    if not isinstance(named, list) or not all(isinstance(path, str) for path in named):
        raise GenbenchError(
            f"{file.resolve()}: plugins is {shown(repr(named))}, which is not a list of paths; "
            'write plugins = ["my_model.py"]'
        )
    unknown = set(settings) - {"plugins"}
    if unknown:
        raise GenbenchError(
            f"{file.resolve()}: unknown setting '{min(unknown)}'; the only setting is plugins, so remove it"
        )
    if named:
        say(f"{file.resolve()} names plugins; code is run from there: {', '.join(shown(path) for path in named)}")
    return [*named, *given]
