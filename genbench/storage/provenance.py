"""What a trial was made with, beside its spec: what its numbers may depend on although they should not."""

from __future__ import annotations

from pydantic import BaseModel

from genbench.storage.limits import Whole

__all__ = ["Environment", "Provenance"]


class Environment(BaseModel):
    """Where something was computed, and with what. Older records know the versions alone; no host is named.

    Attributes:
        versions: of Python, of the libraries that compute, and of those that plugins import, by name.
        genbench: its version.
        commit: of genbench, where it runs from a checkout; with a + where files differ from it.
        system: name, release and architecture of the operating system.
        processor: its model.
        cores: processors of the machine.
        device: "cpu", "cuda" or "mps", with the name of the accelerator.
        threads: that torch could use for one operation.
        time: at which it began, in UTC, as "2026-11-03T16:20:05Z".
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
        """Whether more than versions are known."""
        return bool(self.time)


class Provenance(Environment):
    """The environment in which a trial ran.

    Attributes:
        files: digests of the user's files that it read, by path.
        scored: the environment in which it was scored again; None where that is the same.
    """

    files: dict[str, str] = {}
    scored: Environment | None = None

    @property
    def latest(self) -> str:
        """When its record was made, as far as that is known."""
        return max(self.time, self.scored.time if self.scored else "")
