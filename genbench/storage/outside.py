"""What a record says of samples that something else than genbench made."""

from __future__ import annotations

from pydantic import BaseModel

from genbench.storage.limits import Whole

__all__ = ["BUDGET", "SAMPLES", "Outside"]

BUDGET = "outside"  # of a trial whose training nobody here has seen; no budget that can be asked for has this name
SAMPLES = "samples"  # the name of their digest among the digests of a spec


class Outside(BaseModel):
    """Samples from outside, as they were given; training seconds, training points and code are unknown.

    Attributes:
        file: name of the file of samples, without its folders; "" for what was given in Python.
        log_prob: name of the file of log-densities; "function" for what was given as one, "" where there are none.
        given: how many samples there were; the first of them are scored.
        part: which part of the file they are, as "1 of 3"; "" for all of it.
    """

    file: str = ""
    log_prob: str = ""
    given: Whole = 0
    part: str = ""
