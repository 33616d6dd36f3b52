"""Pictures from the store: one module a figure, with `draw(run) -> dict of file stem -> Figure`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.errors import GenbenchError, nearest

if TYPE_CHECKING:
    from genbench.results import Run

__all__ = ["available", "save"]


def available() -> dict[str, str]:
    """Return the figures by name, with what each shows."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        doc = importlib.import_module(f"{__name__}.{module.name}").__doc__ or ""
        found[module.name] = doc.partition("\n")[0]
    return found


def save(run: Run, names: Iterable[str] = ()) -> list[Path]:
    """Draw the named figures of a run (all unless named) into its `figures` folder and return the files.

    Raises:
        GenbenchError: a figure is unknown, or the folder cannot be written.
    """
    import matplotlib as mpl

    known = list(available())
    for name in names:
        if name not in known:
            raise GenbenchError(f"no figure '{name}'{nearest(name, known)}")
    folder = run.path / "figures"
    files = []
    with mpl.rc_context({"backend": "agg"}):
        try:
            folder.mkdir(exist_ok=True)
            for name in list(names) or known:
                for stem, figure in importlib.import_module(f"{__name__}.{name}").draw(run).items():
                    files.append(folder / f"{stem}.png")
                    figure.savefig(files[-1], dpi=130, bbox_inches="tight")
        except OSError as error:
            raise GenbenchError(f"cannot write figures to {folder}: {error.strerror or error}") from None
    return files
