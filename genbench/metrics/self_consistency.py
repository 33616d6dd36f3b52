"""Whether a model's samples follow its own density."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.statistics.self_consistency import FIRST

__all__ = ["self_consistency"]

LEVEL = 1e-4  # of the test in a trial, by hand: a table of 100 trials has a false alarm once in 100 tables
LEAST = 0.01  # share, by hand: noise of 0.05 deviations moves 0.015 and more; less, and the error of a solver might do


@register_metric(
    "self_consistency",
    family="likelihood",
    label="self-consistency",
    unit="share of samples",
    needs=("shares",),
    order=79,
    ratio=False,
    ranked=False,
)
def self_consistency(evidence: Evidence) -> Score:
    """How far the share of samples in a region is from that of the model's own density.

    The density must be exact. Only chance keeps a correct model from 0. Among about thirty regions, it is the one with
    the largest difference in standard errors, see `region_shares`. So a model whose samples follow its density differs
    by about two standard errors. The value is flagged at a level of 1 in 10,000 over all regions, if the difference is
    also more than 1 % of the samples.
    """
    shares = evidence.shares
    assert shares is not None
    seen, due, error = shares.T
    deviations = np.divide(seen - due, error, out=np.zeros_like(due), where=error > 0)
    worst = int(np.abs(deviations).argmax())
    gap = float(abs(seen[worst] - due[worst]))
    from scipy.stats import norm  # costly to import

    limit = norm.isf(LEVEL / (2 * len(shares)))  # Bonferroni
    if abs(deviations[worst]) < limit or gap < LEAST:
        return Score(gap, float(error[worst]))
    kind = FIRST[worst] if worst < len(FIRST) else "cell"
    what = _in_words(kind, float(seen[worst]), float(due[worst]))
    flag = f"samples and density do not belong together: {what}, z = {deviations[worst]:.0f}"
    return Score(gap, float(error[worst]), flag)


def _in_words(kind: str, seen: float, due: float) -> str:
    """Return what is wrong with a region."""
    if kind == "all":
        return f"the density integrates to {due / max(seen, 1e-300):.3g} where the samples lie"
    if kind == "pairs":
        often = f"{seen / max(due, 1e-300):.3g} times as often as by the density"
        return f"a sample is denser than a point beside it {often}"
    where = "where the density is low" if kind == "low" else "in a region"
    return f"{where}, there are {100 * seen:.3g} % of the samples and {100 * due:.3g} % of the density"
