"""What a request stands for, before anything is planned: seeds."""

import time

import pytest

from genbench.core.errors import GenbenchError
from genbench.runs.plan import MOST_SEEDS, parse_seeds


@pytest.mark.parametrize(
    ("seeds", "chosen"),
    [
        (3, [0, 1, 2]), ("3", [0, 1, 2]), (" 2 ", [0, 1]), ("4,7", [4, 7]), ("4,", [4]), (" 4 , 7 , ", [4, 7]), ([7, 4, 7], [7, 4]),
        ("4294967295,", [4294967295]), ("007", list(range(7))), (range(2), [0, 1]), ("0,0", [0]),
    ],
)  # fmt: skip
def test_seeds_are_counted_or_named(seeds, chosen):
    assert parse_seeds(seeds) == chosen


@pytest.mark.parametrize(
    "seeds",
    [
        "", ",", "0", "-1", "1e3", "1.5", "1 2", "1,,2", "²", "٣", "three", True, [1.5], [],
        "4294967295", "4294967296,", 4294967295, 10**12, "1" + "0" * 12, "9" * 5_000, 10**5_000, "9" * 5_000 + ",", range(10**12),
        "1" + " " * 16_000 + "x", " " * 16_000, "1," * 500_000, "1" + " ," * 8_000, MOST_SEEDS + 1,
    ],
    ids=lambda seeds: repr(seeds)[:12] if not isinstance(seeds, int) or seeds < 10**20 else "long",
)  # fmt: skip
def test_other_seeds_are_refused_in_one_short_line_and_no_time(seeds):
    begin = time.process_time()
    with pytest.raises(GenbenchError) as caught:
        parse_seeds(seeds)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
    assert time.process_time() - begin < 1, "twice what the slowest takes; it was a square of the length"


def test_a_large_number_of_seeds_says_how_a_single_one_is_written():
    with pytest.raises(GenbenchError, match="4,294,967,295, and a run takes at most 100,000; .*--seeds 4294967295,"):
        parse_seeds("4294967295")
