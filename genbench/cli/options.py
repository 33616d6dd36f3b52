"""What the commands share: lines to the user, plugins, and the options that several take."""

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
        help="A Python file, or a folder of them, with models, datasets or metrics of your own. Repeat for more; "
        'genbench.toml can name them: plugins = ["my_model.py"].',
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="PATH",
        help="Folder in which the files of image datasets are looked for first, as PATH/mnist; then come the folders "
        "of the environment variable GENBENCH_DATA, and the cache.",
    ),
]
Device = Annotated[
    str,
    typer.Option(metavar="auto|cpu|cuda|mps", help="Where torch models live; auto takes cuda or mps if it is there."),
]
WorkerJobs = Annotated[
    int | None,
    typer.Option(min=0, help="Worker processes, one thread each; 0 is this process. Default: one per core."),
]
MarginText = Annotated[
    str | None,
    typer.Option(
        "--margin",
        metavar="10%|0.05",
        help="How much worse than the best a model may be and still be as good: a share (10%) for scores that are "
        "compared by quotients, such as distances; a difference in the metric's unit (0.05) for the others, such as "
        "nats and accuracies; or both: 10%,0.05. A smaller margin leaves more verdicts open. Default: the smallest "
        "difference that the metric can show, for quotients at most 25%.",
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, such as results/moons-quick.")]


def say(text: str) -> None:
    """Tell the user a line, apart from what the command prints."""
    typer.echo(f"genbench: {shown(text, LONGEST)}", err=True)


def say_file(file: Path) -> None:
    """Print where a file is, from the current folder if it lies there."""
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
        raise GenbenchError(f'{file.resolve()}: plugins must be a list of paths: plugins = ["my_model.py"]')
    unknown = set(settings) - {"plugins"}
    if unknown:
        raise GenbenchError(f"{file.resolve()}: unknown setting '{min(unknown)}'; known: plugins")
    if named:
        say(f"{file.resolve()} names plugins; code is run from there: {', '.join(shown(path) for path in named)}")
    return [*named, *given]
