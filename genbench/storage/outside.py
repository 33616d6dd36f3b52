"""The record of samples from other software."""

from __future__ import annotations

from pydantic import BaseModel

from genbench.storage.limits import Whole

__all__ = ["BUDGET", "SAMPLES", "Outside"]

BUDGET = "outside"  # of a trial whose training nobody here has seen; no budget that can be asked for has this name
SAMPLES = "samples"  # the name of their digest among the digests of a spec


class Outside(BaseModel):
    """Samples from outside, as given.

    Their training seconds, training points and code are unknown.

    Attributes:
        file: name of the file of samples, without its folders; "" for samples that were given in Python.
        log_prob: name of the file of log-densities; "function" for a function, "" if there are none.
        given: number of given samples, of which the first are scored.
        part: the part of the file, as "1 of 3"; "" for the whole file.
    """

    file: str = ""
    log_prob: str = ""
    given: Whole = 0
    part: str = ""
