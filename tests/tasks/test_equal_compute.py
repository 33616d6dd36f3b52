"""When a training counts as unequal, and what is said of it."""

import pytest

from genbench.core.errors import collected_warnings
from genbench.tasks.equal_compute import caution_unequal, unequal
from genbench.training.compute import Compute
from trial_records import spec


def spent(seconds, start=0.0, spread=1.0, processor=None):
    return Compute(seconds, seconds / spread, seconds * spread, start, seconds if processor is None else processor)


@pytest.mark.parametrize(
    ("budget", "compute", "steps", "line"),
    [
        ("quick", spent(10), 1000, ""),
        ("quick", spent(19), 1000, ""),
        ("quick", spent(5.5), 1000, ""),
        ("quick", spent(27), 1000, "unequal compute: training took 2.7 times its budget of 10 s; "
                                   "state step_ms=27 or leave it out"),
        ("smoke", spent(0.1), 50, "unequal compute: training took 0.2 times its budget of 0.5 s; "
                                  "state step_ms=2 or leave it out"),
        ("standard", spent(9000), 100, "unequal compute: training took 200 times its budget of 45 s; "
                                       "state step_ms=90000 or leave it out"),
        ("quick", spent(27, spread=1.5), 1000, ""),  # the machine's speed is not known well enough
        ("quick", spent(4, spread=1.5), 1000, ""),
        ("smoke", spent(2.2, start=1.5), 10, ""),  # imports
        ("smoke", spent(9.0, start=8.5), 10, "unequal compute: training took 14 times its budget of 0.5 s; "
                                             "state step_ms=700 or leave it out"),
        ("quick", spent(1, start=1), 0, ""),  # it has converged, or a closed form
        ("quick", spent(31, start=31), 0, "unequal compute: training took 2.9 times its budget of 10 s; "
                                          "`fit` should look at its budget or do less"),
        ("2000", spent(1000), 2000, ""),
        ("30 steps", spent(0.001), 30, ""),
        ("30s", spent(200, processor=30), 10, ""),  # seconds of this machine
        ("30s", spent(10, processor=1), 10, ""),  # a busy one
        ("30s", spent(10, processor=90), 1, "unequal compute: training took 3 times its budget of 30 s; "
                                            "give it more time, or make its steps shorter"),
    ],
)  # fmt: skip
def test_what_is_unequal(budget, compute, steps, line):
    assert unequal(spec(budget=budget), compute, steps) == line


def test_what_was_left_out_already_is_not_to_be_left_out():
    assert unequal(spec(budget="quick", steps=1000), spent(27), 1000).endswith("; state step_ms=27")


def test_it_is_a_caution_where_it_was_measured():
    with collected_warnings() as cautions:
        caution_unequal(spec(budget="quick"), None, 10)
        caution_unequal(spec(budget="quick"), spent(10), 10)
        assert cautions == []
        caution_unequal(spec(budget="quick"), spent(40), 10)
    assert [text.partition(";")[0] for text in cautions] == [
        "unequal compute: training took 4 times its budget of 10 s"
    ]
