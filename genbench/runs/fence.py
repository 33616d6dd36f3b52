"""Isolation of a trial: it has only its own plugins, and fresh settings of the process.

The settings are restored before every phase.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from genbench.contracts.dataset import DATASETS
from genbench.contracts.metric import METRICS
from genbench.contracts.model import MODELS
from genbench.core.cards import Card
from genbench.core.errors import GenbenchError, GenbenchWarning
from genbench.core.libraries import library_of
from genbench.core.library_patches import taken_back
from genbench.core.plugin_code import imported_names
from genbench.core.plugin_loading import LOADED, in_use
from genbench.core.process_state import ProcessState, put_back
from genbench.core.registry import Group, discover
from genbench.core.user_files import OpenedFiles, opened_files
from genbench.runs.code import changed_code, named_datasets
from genbench.storage.provenance import Environment, Provenance
from genbench.storage.records import TrialSpec

__all__ = ["Fence"]


class Fence:
    """The isolation of one trial from other trials in the same process.

    A trial runs with the settings of a new process, whatever those of the caller are. Its changes are undone before its
    next phase and at the end. Changes by plugins of other trials are not active.

    Args:
        spec: the spec of the trial.
        folder: the folder of the run; a trial does not depend on its files.
    """

    def __init__(self, spec: TrialSpec, folder: Path) -> None:
        self.spec = spec
        self._folder = folder.resolve()
        self._opened = OpenedFiles()
        self._state: ProcessState | None = None
        self._phase = ""

    @contextmanager
    def around(self) -> Iterator[None]:
        """Import the plugins of the trial, and isolate the block.

        Raises:
            GenbenchError: a plugin cannot be imported, or has changed since the trial was planned.
        """
        spec = self.spec
        discover(spec.plugins, installed=False)
        foreign = {name: card for name, card in _cards(spec).items() if not card.built_in}
        with ExitStack() as stack:
            stack.enter_context(in_use(spec.plugins))
            if foreign:
                stack.enter_context(_telling_of_patches())
            stack.enter_context(put_back())
            self._state = ProcessState(fresh=True)
            if changed := self._state.restore():
                _warn(f"this process had changed {', '.join(changed)}; trials run with what a new process has")
            for text in (text for source in spec.plugins if source in LOADED for text in LOADED[source].cautions()):
                _warn(text)
            if foreign:
                self._opened = stack.enter_context(opened_files())
                if changed := changed_code(spec, **foreign):
                    raise GenbenchError(f"code of {', '.join(changed)} changed since the run began; run again")
            yield

    def begin(self, phase: str) -> None:
        """Undo the changes of the phase before."""
        if self._state and (changed := self._state.restore()) and self._phase:
            _warn(f"{', '.join(changed)} changed in {self._phase}; it was put back")
        self._phase = phase

    def files(self) -> dict[str, str]:
        """Return the digests of the user's files that the trial has read so far, by path."""
        return self._opened.read(beside=[self._folder])

    def provenance(self, ran: Environment) -> Provenance:
        """Return the environment, the files and the plugins of the trial, for its record.

        Args:
            ran: the environment in which it runs.
        """
        found = dict(ran.versions)
        for source in self.spec.plugins:
            files = [Path(name) for name in LOADED[source].code] if source in LOADED else []
            for name in {name.partition(".")[0] for file in files for name in imported_names(file)}:
                version = getattr(sys.modules.get(name), "__version__", None)
                if isinstance(version, str) and name != "genbench":
                    found.setdefault(DISTRIBUTIONS.get(name, name), version)
        for library in filter(None, map(library_of, _cards(self.spec).values())):
            found.setdefault(library.name, library.version)
        return Provenance(**dict(ran) | {"versions": found, "files": self.files()})


DISTRIBUTIONS = {"sklearn": "scikit-learn", "ot": "POT"}  # what libraries are called that are imported by other names


def _cards(spec: TrialSpec) -> dict[str, Card]:
    """Return the cards that a trial uses, by the names of their digests; those that are unknown are left out."""
    wanted: dict[str, tuple[Group[Any], str]] = {
        "model": (MODELS, spec.model_name),
        "dataset": (DATASETS, spec.dataset_name),
    }
    wanted |= {f"metric {name}": (METRICS, name) for name in spec.metrics}
    known = {what: group.cards[name] for what, (group, name) in wanted.items() if name in group.cards}
    return known | {f"dataset {card.name}": card for card in named_datasets(spec.params)}


@contextmanager
def _telling_of_patches() -> Iterator[None]:
    """Take back what methods of a plugin replace in libraries, and say what that was."""
    with taken_back() as patches:
        yield
    if patches:
        _warn(f"{', '.join(map(str, patches))} replaced in the course of this trial: its numbers were computed with it")


def _warn(text: str) -> None:
    warnings.warn(text, GenbenchWarning, stacklevel=3)
