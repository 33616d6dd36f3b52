"""Keys of trials: what they are made of, and that many seeds share the work."""

import math

import pytest

from trial_records import spec


@pytest.mark.parametrize(
    "changes", [{}, {"params": {"seed": 3, "wide": math.inf}}, {"steps": 7}, {"budget": '"seed": 0, '}]
)
def test_keys_of_many_seeds_are_those_of_each(changes):
    many = spec(**changes).with_seeds([0, 4, 10])
    assert [one.key for one in many] == [spec(**changes, seed=seed).key for seed in (0, 4, 10)]
    assert [one.seed for one in many] == [0, 4, 10]


def test_a_copy_with_another_fact_has_another_key():
    one = spec().with_seeds([1])[0]
    assert one.model_copy(update={"steps": 5}).key == spec(seed=1, steps=5).key != one.key
    assert one.model_copy(update={"budget": one.budget}).key == one.key
