"""`genbench bundle`: a run as one archive, and that archive repeated."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.options import Plugins, read_plugins, say
from genbench.cli.run_options import Quiet
from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    from genbench.runs.bundle import Packed

__all__ = ["bundle"]

TIMEOUT = 3600.0  # seconds of a trial; the longest that `run` takes unless asked


def bundle(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of the run to pack.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Archive to write. Default: NAME.tar.gz in this folder."),
    ] = None,
    samples: Annotated[bool, typer.Option("--samples", help="Add the samples.")] = False,
    weights: Annotated[bool, typer.Option("--weights", help="Add the weights.")] = False,
    submit: Annotated[
        Path | None,
        typer.Option(
            "--submit",
            metavar="FOLDER",
            help="Folder to write for a submission instead of an archive, such as results/submitted/NAME.",
        ),
    ] = None,
    repeat: Annotated[
        Path | None,
        typer.Option("--repeat", metavar="FILE", help="Archive, or folder of a submission, whose trials to run again."),
    ] = None,
    results: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of runs, with --repeat.")] = Path("results"),
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="Run the code in the archive, with --repeat. Read it first.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, help="Worker processes, with --repeat. 0: this process. Default: one for each core."
        ),
    ] = None,
    quiet: Quiet = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Pack a run so that another machine can repeat it.

    The archive has the records of the run, data that was given in Python, the versions of all packages, the request,
    and the code of plugins that you name or trust, if it is what the trials ran with. If code, data or trials are
    missing in it, it says which, and the exit code is 1.
    --repeat unpacks an archive to NAME-recorded, runs its trials again in NAME-repeated, and prints which scores agree;
    the exit code is 1 if some differ. Code in an archive runs only with --trust-code.

      genbench bundle results/moons-quick
      genbench bundle results/mine --plugin my_model.py --samples -o mine.tar.gz
      genbench bundle results/mine --plugin my_model.py --submit results/submitted/mine
      genbench bundle --repeat moons-quick.tar.gz
    """
    if (run is None) == (repeat is None):
        raise GenbenchError(
            "bundle needs the folder of a run to pack, or --repeat FILE to repeat an archive; give one of them"
        )
    if run is not None:
        if submit is not None and output is not None:
            raise GenbenchError("--submit writes a folder and --output an archive; give one of them")
        _pack(run, output if submit is None else submit, samples, weights, read_plugins(plugin), submit is not None)
    if repeat is not None and not _repeat(repeat, results, trust_code, read_plugins(plugin), jobs, not quiet):
        raise typer.Exit(1)


def _pack(run: Path, place: Path | None, samples: bool, weights: bool, plugins: list[str], submitted: bool) -> None:
    """Pack a run, and say what is in it; the exit code is 1 if something is missing."""
    from genbench.analysis.run_data import RunData
    from genbench.runs.bundle import pack

    packed = pack(RunData(run), place, samples, weights, plugins, folder=submitted)
    _show(packed, submitted)
    if packed.notes:
        missing = "; ".join(packed.notes)
        say(f"{packed.path} is incomplete: {missing}. Delete it, add what is missing, and pack the run again")
        raise typer.Exit(1)


def _show(packed: Packed, submitted: bool) -> None:
    from genbench.runs.bundle import SUBMISSION

    for what, size in packed.sizes.items():
        typer.echo(f"{what}: {_size(size)}")
    if submitted:
        typer.echo(
            f"{packed.path}: fill in {SUBMISSION}, look at it by: genbench report {shlex.quote(str(packed.path))}"
        )
        return
    command = shlex.join(["genbench", "bundle", "--repeat", str(packed.path)])
    typer.echo(f"{packed.path}: {_size(packed.path.stat().st_size)}; repeat it by: {command}")


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.1f} kB"


def _repeat(file: Path, results: Path, trust_code: bool, plugins: list[str], jobs: int | None, progress: bool) -> bool:
    """Repeat an archive, say what came of it, and return whether all scores agree."""
    from genbench.core.environment import commit
    from genbench.runs.session import Workers
    from genbench.runs.unbundle import repeat
    from genbench.tasks.execution import ExecutionOptions

    execution = ExecutionOptions(progress=progress, commit=commit() or "")
    found = repeat(file, results, trust_code, plugins, Workers(jobs, TIMEOUT, False, progress, execution), say)
    for line in found.lines:
        say(line)
    counts = found.agreements
    typer.echo(
        f"{counts.total()} trials: {counts['bit']} equal to the bit, {counts['rounding']} to rounding, "
        f"{counts['different']} different"
    )
    typer.echo(shlex.join(["genbench", "compare", str(found.recorded), str(found.repeated)]))
    return not counts["different"]
