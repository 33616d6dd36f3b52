"""`genbench verify`: whether a run's files are unchanged, and trials give the same scores."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genbench.cli.options import Plugins, RunFolder, read_plugins, say
from genbench.core.errors import GenbenchError, shown

if TYPE_CHECKING:
    from genbench.runs.verify import Repeated, Verification

__all__ = ["verify"]


def verify(
    run: RunFolder,
    trials: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Number of trials to run again; 0: none. Default: 3.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run all trials again.")] = False,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Seed that chooses the trials to run again. Default: a new one each time."),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=0, help="Worker processes. 0: this process.")] = 1,
    format: Annotated[
        Literal["table", "json"], typer.Option(metavar="table|json", help="Format of the output.")
    ] = "table",
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Check the files of a run, and run some of its trials again.

    Each record has digests of itself, its samples and its weights, which are compared with the files. Trials run again
    in a folder of their own; the run is not changed. Scores are equal to the bit on the same machine with the same
    versions. Elsewhere they are equal to rounding (a relative difference of 1e-6) or different; then the differences of
    the machines are printed, too. A trial whose code or data changed is named. Exit code: 1 if a file was changed or is
    missing, or if scores differ.

      genbench verify results/moons-quick
      genbench verify results/theirs --all --jobs 4
      genbench verify results/theirs --trials 0 --format json
    """
    from genbench.analysis.run_data import RunData
    from genbench.core.strict_json import strict_json
    from genbench.runs.verify import verify as verify_run

    if all_ and trials is not None:
        raise GenbenchError("--all and --trials both say how many trials to run; give one of them")
    loaded = RunData(run)
    number = None if all_ else 3 if trials is None else trials
    found = verify_run(loaded, number, seed, read_plugins(plugin), jobs, say)
    if format == "json":
        typer.echo(strict_json({**asdict(found), "agrees": not found.wrong}))
    else:
        typer.echo("\n".join(_lines(found)))
        for problem in loaded.problems:
            if "trials/" not in problem:
                say(problem)
    if found.wrong:
        raise typer.Exit(1)


def _lines(found: Verification) -> list[str]:
    from genbench.runs.verify import KINDS

    lines = []
    for state in ("unchanged", "without digests"):
        counts = Counter(KINDS[Path(one.file).suffix] for one in found.files if one.state == state)
        if counts:
            what = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS.values() if counts[kind])
            lines.append(f"{'as they were written' if state == 'unchanged' else 'without digests'}: {what}")
    lines += [f"{one.state}: {shown(one.file, 300)} {shown(one.reason, 400)}" for one in found.faults]
    lines += [f"not here: the {kind} of all trials" for kind in found.left_out]
    if found.repeated:
        lines.append(f"run again ({len(found.repeated)}; --seed {found.seed} chooses the same):")
        lines += [f"  {_line(one)}" for one in found.repeated]
    return lines


def _line(one: Repeated) -> str:
    how = {
        "bit": f"equal to the bit ({one.scores} scores)",
        "rounding": f"equal to rounding, {one.words}",
        "different": f"DIFFERENT, {one.words}",
        "not repeated": f"not run again: {one.words}",
    }[one.agreement]
    here = f"; here {', '.join(one.environment)}" if one.environment else ""
    return shown(f"{one.model} on {one.dataset}, seed {one.seed}: {how}{here}", 1_000)
