"""Figures of a run, drawn from its stored trials: one module for each figure.

The first line of a module's docstring says what it shows. It defines `draw(run) -> dict of file stem -> Figure`, or
`animate(run) -> dict of file stem -> FuncAnimation`, or both. A figure is a `DataFigure`, whose `data` is the tidy
frame that was drawn. `NEEDS_WEIGHTS = True` means that the module reloads trained models, which needs torch, the
weights of the run, and some time. torch is imported only inside functions.

Counts, sizes and limits at the top of these modules are chosen by hand: as many points as a reader can distinguish in a
figure as wide as a page, and as drawing time allows.
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
from typing import TYPE_CHECKING, TypedDict, Unpack

from genbench.core.errors import GenbenchError, nearest
from genbench.core.exception_text import message_of
from genbench.core.files import write_whole
from genbench.core.interrupts import must_stop
from genbench.core.progress import shown_progress
from genbench.core.regular_files import write_within
from genbench.core.types import Say
from genbench.display.inert_text import csv_text
from genbench.plotting.style import style_named, styled

if TYPE_CHECKING:
    from matplotlib.animation import Animation

    from genbench.analysis.run_data import RunData
    from genbench.plotting.canvas import DataFigure

__all__ = ["FORMATS", "Choice", "animate", "available", "draw", "needs_weights", "save"]

FORMATS = ("png", "svg", "pdf", "csv")
METADATA = {  # equal figures give equal files
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
SAYS = {"png": "Description", "svg": "Description", "pdf": "Subject"}  # the entry of a file's metadata for its caption


def available() -> dict[str, str]:
    """Return the figures by name, with one line about each."""
    return {name: (_module(name).__doc__ or "").partition("\n")[0] for name in _names()}


def needs_weights(name: str) -> bool:
    """Whether a figure reloads the trained models of a run.

    Raises:
        GenbenchError: the figure is unknown.
    """
    return bool(getattr(_known(name), "NEEDS_WEIGHTS", False))


class Choice(TypedDict, total=False):
    """The choice of what to draw from a run, and how.

    Attributes:
        models: draw only these, by their labels in the run, beside the oracle; all unless given.
        coordinates: names, or numbers from 1 on, of the coordinates that some figures show; by default the worst.
        style: page (the default), paper (widths of one and two columns, no titles) or talk.
    """

    models: Iterable[str]
    coordinates: Iterable[str | int]
    style: str


def draw(run: RunData, name: str, dataset: str | None = None, **choice: Unpack[Choice]) -> dict[str, DataFigure]:
    """Return the figures of a module by file stem; {} if the run has no data for them.

    Args:
        name: one of `available()`.
        dataset: draw only this dataset of a run with several, by its label in the run.
        choice: see `Choice`.

    Raises:
        GenbenchError: the figure, the dataset, a model, a coordinate or the style is unknown.
    """
    module, (part, style) = _known(name), _chosen(run, dataset, choice)
    with styled(style_named(style)):
        from genbench.plotting.canvas import finish

        figures: dict[str, DataFigure] = module.draw(part) if hasattr(module, "draw") else {}
        for figure in figures.values():
            finish(figure)
    return figures


def animate(run: RunData, name: str) -> dict[str, Animation]:
    """Return the animations of a module by file stem.

    Raises:
        GenbenchError: the figure is unknown.
    """
    module = _known(name)
    with styled():
        return module.animate(run) if hasattr(module, "animate") else {}


def save(
    run: RunData,
    names: Iterable[str] = (),
    formats: Iterable[str] = ("png",),
    *,
    dataset: str | None = None,
    weights: bool = True,
    progress: bool | str = False,
    say: Say = print,
    **choice: Unpack[Choice],
) -> list[Path]:
    """Draw figures of a run into its `figures` folder, and return the files.

    Animations are GIFs. In other styles than page, files are named <stem>-<style>.<format>, and animations are left
    out.

    Args:
        names: names of figures; all unless given.
        formats: some of `FORMATS`. A csv file has the data that were drawn, one row per observation.
        weights: whether "all" includes the figures that reload trained models.
        progress: whether to show how many figures are drawn.
        say: called with a line for each figure that fails; the others are drawn all the same.
        dataset, choice: see `draw`.

    Raises:
        GenbenchError: a figure, format, dataset, model or style is unknown, or the folder cannot be written.
    """
    chosen, kinds, files = list(dict.fromkeys(names)), list(dict.fromkeys(formats)), list[Path]()
    for form in kinds:
        if form not in FORMATS:
            raise GenbenchError(f"no format '{form}' of figures{nearest(form, list(FORMATS))}")
    if not kinds:
        raise GenbenchError(f"no format of figures is named; write some of {', '.join(FORMATS)}")
    part, style = _chosen(run, dataset, choice)
    chosen = [name for name in chosen or available() if needs_weights(name) <= (weights or bool(chosen))]
    with _writing(run.path / "figures"):
        write_within(run.path, "figures")
    with shown_progress(len(chosen), "figures", "figure", progress) as shown:
        for name in chosen:
            shown.at(name)
            try:
                files += _write(part, name, style, kinds)
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


def _chosen(run: RunData, dataset: str | None, choice: Choice) -> tuple[RunData, str]:
    """Return the chosen part of a run, and the name of the chosen style."""
    part = run.only(dataset, choice.get("models", ()), choice.get("coordinates", ()))
    return part, style_named(choice.get("style", "page")).name


class _Unwritable(GenbenchError):
    """The folder of the figures cannot be written."""


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _Unwritable(f"cannot write figures to {folder}: {error.strerror or error}") from None


def _write(run: RunData, name: str, style: str, formats: list[str]) -> list[Path]:
    """Write all figures of one module and return their files."""
    files, page, folder = list[Path](), style == "page", run.path / "figures"
    for stem, figure in draw(run, name, style=style).items():
        for form in formats:
            if (content := _content(figure, form, style)) is not None:
                files.append(folder / (f"{stem}.{form}" if page else f"{stem}-{style}.{form}"))
                with _writing(folder):
                    write_whole(files[-1], methodcaller("write", content))
    for stem, animation in animate(run, name).items() if page else ():
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


def _content(figure: DataFigure, form: str, style: str) -> bytes | None:
    """Return a figure as a file; None as csv of one that has no frame."""
    if form == "csv":
        return None if figure.data is None else csv_text(figure.data).encode()
    out = io.BytesIO()
    with styled(style_named(style)):
        figure.savefig(out, format=form, metadata={**METADATA[form], SAYS[form]: figure.caption})
    return out.getvalue()


def _names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg]  # without their shared parts


def _known(name: str) -> ModuleType:
    if name not in _names():
        raise GenbenchError(f"no figure '{name}'{nearest(name, _names())}")
    return _module(name)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")
