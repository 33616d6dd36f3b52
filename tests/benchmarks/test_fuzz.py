import pytest

from benchmark_scripts import script


@pytest.mark.parametrize("kind", ["selections", "options", "arrays"])
def test_odd_inputs_end_in_a_result_or_in_one_line(kind):
    with script("fuzz") as fuzz:
        assert fuzz.fuzz(kind, 500, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["selections", "options", "records", "arrays", "tables"])
def test_many_odd_inputs_end_in_a_result_or_in_one_line(kind):
    with script("fuzz") as fuzz:
        assert fuzz.fuzz(kind, 3_000, seed=2)
