"""Samples that repeat exactly, more often than the data do."""

import numpy as np
import pytest

import genbench
from genbench.core.errors import GenbenchWarning
from genbench.evaluation.repeats import repeats

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(3000, 2))


def test_a_set_drawn_five_times_is_named_with_its_share():
    warning = repeats(np.tile(RNG.normal(size=(1000, 2)), (5, 1)), DATA)
    assert warning is not None
    assert warning.startswith("80.00% of the 5,000 samples repeat another one exactly (1,000 are distinct)")


def test_one_sample_in_a_hundred_is_enough():
    samples = RNG.normal(size=(5000, 2))
    samples[:50] = samples[50:100]
    assert repeats(samples, DATA).startswith("1.00% of")


@pytest.mark.parametrize("d", [1, 2, 64])
def test_single_precision_repeats_by_chance_on_a_line(d):
    samples = RNG.normal(size=(50_000, d)).astype(np.float32).astype(np.float64)
    assert len(np.unique(samples[:, 0])) < 50_000
    assert repeats(samples, RNG.normal(size=(3000, d))) is None


@pytest.mark.parametrize("values", [2, 30, 1000])
def test_discrete_data_may_repeat(values):
    """Once in a million sets of samples it would be wrong."""
    data, samples = RNG.integers(values, size=(2000, 1)), RNG.integers(values, size=(20_000, 1))
    assert repeats(samples.astype(float), data.astype(float)) is None


def test_zeros_of_either_sign_are_equal():
    assert repeats(np.array([[0.0, 1.0], [-0.0, 1.0]] * 50), DATA) is not None


@pytest.fixture
def reseeding(tmp_path):
    """A plugin like a library's mixture with a fixed random state: each call draws the same points again."""
    file = tmp_path / "reseeding.py"
    file.write_text(
        "import numpy as np\n"
        "from genbench import Model, register_model\n"
        "@register_model('reseeding', family='mine')\n"
        "class Reseeding(Model):\n"
        "    def fit(self, x): self.d = x.shape[1]\n"
        "    def sample(self, n): return np.random.default_rng(0).normal(size=(n, self.d))\n"
    )
    return str(file)


def test_a_batch_that_equals_the_one_before_is_named(reseeding, tmp_path):
    model = genbench.load_model("reseeding", plugins=[reseeding]).fit(DATA)
    with pytest.warns(GenbenchWarning, match="drew batch 2 of 3 equal to the one before"):
        model.sample(25_000)
    run = genbench.run(
        "reseeding", "moons", seeds=1, samples=25_000, metrics="sliced_w2", results=tmp_path, jobs=0,
        plugins=[reseeding], progress=False, say=lambda _: None,
    )  # fmt: skip
    flags = {trial.model: " ".join(flag.text for flag in trial.flags) for trial in run.trials}
    assert "drew batch 2 of 3 equal to the one before" in flags["reseeding"]
    assert "60.00% of the 25,000 samples repeat another one exactly (10,000 are distinct)" in flags["reseeding"]
    assert not flags["oracle"]
