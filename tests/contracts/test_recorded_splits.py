"""How recorded points are split."""

import numpy as np
import pytest

from genbench import RecordedDataset, load_dataset
from genbench.core.errors import GenbenchWarning
from genbench.core.seeding import generator

ROWS = np.random.default_rng(0).normal(size=(60, 2)).round(4)


class Given(RecordedDataset):
    """The same rows again and again, with noise or without."""

    card = load_dataset("wine").card
    shape = (2,)

    def __init__(self, rows, noise):
        self.rows, self.noise = rows, noise

    def recorded(self):
        return self.rows if self.noise else None

    def load(self, rng):
        return self.rows + self.noise * rng.random(self.rows.shape), np.arange(len(self.rows))


@pytest.mark.parametrize("name", ["wine", "breast_cancer", "diabetes", "digits"])
def test_data_without_copies_are_cut_in_random_order(name):
    dataset = load_dataset(name)
    rng = generator(5, "splits")
    x, _ = dataset.load(rng)
    test, validation, train = np.split(rng.permutation(len(x)), [len(x) // 5, 2 * (len(x) // 5)])
    splits = dataset.splits(5)
    for part, rows in ((splits.test, test), (splits.validation, validation), (splits.train, train)):
        np.testing.assert_array_equal(part, x[rows])


@pytest.mark.parametrize("noise", [0.0, 1e-5])
def test_copies_are_in_one_split_whatever_the_noise(noise):
    dataset = Given(np.repeat(ROWS, 6, axis=0), noise)
    with pytest.warns(
        GenbenchWarning, match="100% of the rows equal another .60 of 360 differ., and equal ones are kept"
    ):
        splits = dataset.splits(0)
    kept = [set(labels // 6) for labels in (splits.train_labels, splits.validation_labels, splits.test_labels)]
    assert sum(map(len, kept)) == len(set.union(*kept)) == 60
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [216, 72, 72]


def test_a_few_copies_are_kept_together_without_a_word(recwarn):
    splits = Given(np.concatenate([ROWS, ROWS[:3]]), 0.0).splits(0)
    labels = [splits.train_labels, splits.validation_labels, splits.test_labels]
    for k in range(3):
        assert [k in part for part in labels] == [60 + k in part for part in labels]
    assert not [w for w in recwarn if w.category is GenbenchWarning]


def test_a_coarse_grid_is_split_as_ever(recwarn):
    rows = np.random.default_rng(0).integers(0, 5, (1000, 2)).astype(float)
    rng = generator(3, "splits")
    rng.random(rows.shape)  # as load takes from it
    np.testing.assert_array_equal(Given(rows, 0.0).splits(3).test_labels, rng.permutation(1000)[:200])
    assert not [w for w in recwarn if w.category is GenbenchWarning]


def test_what_cannot_be_told_is_said():
    heights = np.random.default_rng(0).normal(175, 8, 1000).round()
    with pytest.warns(GenbenchWarning, match="equal ones are in train and test"):
        Given(np.column_stack([heights, 2 * heights]), 0.0).splits(0)
