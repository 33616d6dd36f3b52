"""Figures from the store: one module a figure.

The first line of a module's docstring says what it shows. It defines `draw(run) -> dict of file stem -> Figure`, or
`animate(run) -> dict of file stem -> FuncAnimation`, or both. With `NEEDS_WEIGHTS = True` it says that it reloads
trained models, which takes torch, the weights of the run, and some time. torch is imported inside functions alone.

Counts, sizes and limits at the top of these modules are chosen by hand: what a reader can tell apart in a figure of
the width of a page, against the time that drawing takes.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import methodcaller
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from genbench.core.errors import GenbenchError, nearest
from genbench.core.exception_text import message_of
from genbench.core.files import write_whole
from genbench.core.interrupts import must_stop
from genbench.core.progress import shown_progress
from genbench.core.regular_files import write_within
from genbench.core.types import Say
from genbench.plotting.style import fit_title, literal, styled

if TYPE_CHECKING:
    from matplotlib.animation import Animation
    from matplotlib.figure import Figure

    from genbench.analysis.run_data import RunData

__all__ = ["FORMATS", "animate", "available", "draw", "needs_weights", "save"]

FORMATS = ("png", "svg")
METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}  # equal figures are equal files


def available() -> dict[str, str]:
    """Return the figures by name, with what each shows."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return {name: (_module(name).__doc__ or "").partition("\n")[0] for name in names}


def needs_weights(name: str) -> bool:
    """Whether a figure reloads the trained models of a run.

    Raises:
        GenbenchError: the figure is unknown.
    """
    return bool(getattr(_known(name), "NEEDS_WEIGHTS", False))


def draw(run: RunData, name: str, dataset: str | None = None) -> dict[str, Figure]:
    """Return the figures of a module by file stem; empty where a run has nothing to show in it.

    Args:
        name: one of `available()`.
        dataset: of a run with several, the only one to draw, as it is labelled there.

    Raises:
        GenbenchError: the figure or the dataset is unknown.
    """
    module, part = _known(name), run.only(dataset)
    with styled():
        figures: dict[str, Figure] = module.draw(part) if hasattr(module, "draw") else {}
    for figure in figures.values():
        literal(figure)
        fit_title(figure)
    return figures


def animate(run: RunData, name: str, dataset: str | None = None) -> dict[str, Animation]:
    """Return the animations of a module by file stem; arguments and errors are those of `draw`."""
    module, part = _known(name), run.only(dataset)
    with styled():
        return module.animate(part) if hasattr(module, "animate") else {}


def save(
    run: RunData,
    names: Iterable[str] = (),
    formats: Iterable[str] = ("png",),
    *,
    dataset: str | None = None,
    weights: bool = True,
    progress: bool | str = False,
    say: Say = print,
) -> list[Path]:
    """Draw figures of a run into its `figures` folder and return the files; animations are GIFs.

    Args:
        names: of figures; all unless given.
        formats: some of `FORMATS`.
        dataset: of a run with several, the only one to draw.
        weights: whether all includes the figures that reload trained models.
        progress: show how far it is.
        say: called with a line for each figure that fails; the others are drawn all the same.

    Raises:
        GenbenchError: a figure, format or dataset is unknown, or the folder cannot be written.
    """
    chosen, kinds = list(dict.fromkeys(names)), list(dict.fromkeys(formats))
    for form in kinds:
        if form not in FORMATS:
            raise GenbenchError(f"no format '{form}' of figures{nearest(form, list(FORMATS))}")
    run.only(dataset)
    chosen = [name for name in chosen or available() if needs_weights(name) <= (weights or bool(chosen))]
    folder, files = run.path / "figures", list[Path]()
    with _writing(folder):
        write_within(run.path, "figures")
    with shown_progress(len(chosen), "figures", "figure", progress) as shown:
        for name in chosen:
            shown.at(name)
            try:
                files += _write(run, name, dataset, folder, kinds)
            except _Unwritable:
                raise
            except BaseException as error:  # of any kind: a plugin may fail, and the other figures are drawn
                if must_stop(error):
                    raise
                kind = "" if isinstance(error, GenbenchError) else f"{type(error).__name__}: "
                with shown.aside():
                    say(f"figure {name} was left out: {kind}{message_of(error)}")
            shown.step(name=name)
    return files


class _Unwritable(GenbenchError):
    """The folder of the figures cannot be written."""


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _Unwritable(f"cannot write figures to {folder}: {error.strerror or error}") from None


def _write(run: RunData, name: str, dataset: str | None, folder: Path, formats: list[str]) -> list[Path]:
    """Write all figures of one module and return their files."""
    files = []
    for stem, figure in draw(run, name, dataset).items():
        for form in formats:
            files.append(folder / f"{stem}.{form}")
            out = io.BytesIO()
            with styled():
                figure.savefig(out, format=form, bbox_inches="tight", metadata=METADATA[form])
            with _writing(folder):
                write_whole(files[-1], methodcaller("write", out.getbuffer()))
    for stem, animation in animate(run, name, dataset).items():
        files.append(folder / f"{stem}.gif")
        beside = folder / f".{stem}.gif"
        beside.unlink(missing_ok=True)
        try:
            with _writing(folder), styled():
                animation.save(str(beside), writer="pillow", dpi="figure")  # type: ignore[arg-type]
                beside.replace(files[-1])
        finally:
            beside.unlink(missing_ok=True)
    return files


def _known(name: str) -> ModuleType:
    known = [module.name for module in pkgutil.iter_modules(__path__)]
    if name not in known:
        raise GenbenchError(f"no figure '{name}'{nearest(name, known)}")
    return _module(name)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")
