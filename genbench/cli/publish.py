"""The end of a run: its table on the terminal, and tables and figures in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from genbench.cli.options import say, say_file

if TYPE_CHECKING:
    from genbench.analysis.run_data import RunData
    from genbench.core.types import Say

__all__ = ["publish"]

# The figures that a run ends with, two seconds for each dataset; others are left to `genbench plot`, so that it ends
# soon: who leads, what samples look like, for how much time; and of other tasks, what these are about.
AT_ITS_END = (
    "verdicts", "samples", "image_grids", "speed", "curve", "scaling", "decisions", "gaps", "interpolation", "fan",
    "diagnosis",
)  # fmt: skip


def publish(run: RunData, sort: str | None, progress: bool | str = True, tell: Say = say) -> bool:
    """Write the table in all formats, draw the figures, show the table, and name the files.

    Current files are neither read nor written again.

    Returns:
        Whether a trial of the run failed.
    """
    from genbench.display.published import Published, state_of
    from genbench.display.terminal import show_view
    from genbench.storage.summaries import Summaries

    finished = Summaries(run.store)
    state = state_of(run.record, finished, sort, run.margin, AT_ITS_END)
    known = Published.read(run.store, state)
    if known:
        show_view(known.view)
        typer.echo("")
        tell("nothing has changed: tables and figures are as they were written")
        files = [run.path / name for name in known.files]
    else:
        files = _write(run, sort, progress, tell, state)
    for file in files:
        say_file(file)
    return finished.failed(run.record.trials)


def _write(run: RunData, sort: str | None, progress: bool | str, tell: Say, state: str) -> list[Path]:
    """Write and show what the trials of a run say, and return the files; `state` is what they depend on."""
    from genbench.display.export import FORMATS, render
    from genbench.display.published import Published
    from genbench.display.table_view import board_view
    from genbench.display.terminal import show_view
    from genbench.figures import save

    board, left_out = run.leaderboard(sort), list[str]()

    def leave_out(line: str) -> None:
        left_out.append(line)
        tell(line)

    files = [run.store.write_text(f"leaderboard.{form}", render(board, form)) for form in FORMATS]
    files += save(run, AT_ITS_END, progress=progress, say=leave_out)
    view = board_view(board, "main")
    show_view(view)
    typer.echo("")
    if state and not left_out and not run.problems:
        Published.write(run.store, state, files, view)
    return files
