import pytest

from genbench.contracts.recipe import Budget, Recipe
from genbench.core.errors import GenbenchError


@pytest.mark.parametrize(
    ("text", "steps", "seconds"),
    [("quick", 5000, None), ("2000", 2000, None), ("12 steps", 12, None), ("9" * 18, int("9" * 18), None), ("30s", None, 30.0), ("0.5 s", None, 0.5)],
)  # fmt: skip
def test_a_budget_is_a_name_or_steps_or_seconds(text, steps, seconds):
    assert (Budget(text).steps(Recipe(step_ms=2)), Budget(text).seconds) == (steps, seconds)


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "0.0s", "-1", "1e5", "nan", "infs", "٣", "٣s", "9" * 19, "9" * 5_000, "9" * 5_000 + "s", "1" + " " * 16_000, "quick\n"]
)  # fmt: skip
def test_any_other_is_refused_in_one_short_line(text):
    with pytest.raises(GenbenchError) as caught:
        Budget(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
