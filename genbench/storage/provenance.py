"""The environment of a trial: facts on which its numbers may depend but should not."""

from __future__ import annotations

from pydantic import BaseModel

from genbench.storage.limits import Whole

__all__ = ["Environment", "Provenance"]


class Environment(BaseModel):
    """The environment of a computation.

    Older records have only the versions. The name of the host is never included.

    Attributes:
        versions: versions of Python, of the libraries that compute, and of those that plugins import, by name.
        genbench: its version.
        commit: commit of genbench, if it runs from a checkout, with a + if files differ from it.
        system: name, release and architecture of the operating system.
        processor: model of the processor.
        cores: number of processors of the machine.
        device: "cpu", "cuda" or "mps", with the name of the accelerator.
        threads: number of threads that torch could use for one operation.
        time: start time in UTC, as "2026-11-03T16:20:05Z".
    """

    versions: dict[str, str] = {}
    genbench: str = ""
    commit: str = ""
    system: str = ""
    processor: str = ""
    cores: Whole | None = None
    device: str = ""
    threads: Whole | None = None
    time: str = ""

    @property
    def known(self) -> bool:
        """Whether more than the versions is known."""
        return bool(self.time)


class Provenance(Environment):
    """The environment in which a trial ran.

    Attributes:
        files: digests of the user's files that the trial read, by path.
        scored: the environment in which it was scored again, if that is another one; else None.
    """

    files: dict[str, str] = {}
    scored: Environment | None = None

    @property
    def latest(self) -> str:
        """The time when the record was made, if known."""
        return max(self.time, self.scored.time if self.scored else "")
