"""The engine's change of units: constants, offsets."""

import numpy as np
import pytest

from genbench.numerics.standardiser import Standardiser, constant

X = np.random.default_rng(0).normal(size=(300, 2))


@pytest.mark.parametrize("value", [0.1, 0.5, 0.0, -14.62, 1e100, 1e-300, 2.0**53])
def test_a_constant_coordinate_keeps_its_scale(value):
    units = Standardiser.fit(np.column_stack([X, np.full(300, value)]))
    assert units.scale[2] == 1
    assert units.mean[2] == value
    assert units.scale[0] == pytest.approx(X[:, 0].std())
    pictures = Standardiser.of_pictures(np.full((9, 1, 4, 4), value))
    series = Standardiser.of_series(np.full((9, 4), value))
    assert set(pictures.scale.ravel()) | set(series.scale) == {1.0}


def test_what_differs_by_rounding_is_constant_and_whole_numbers_are_not():
    rounded = np.where(np.arange(300) % 2, 0.1 + 0.2, 0.3)
    whole = 2.0**52 + np.arange(300) % 2
    close = 1.0 + 1e-12 * X[:, 0]
    assert constant(np.column_stack([rounded, whole, close])).tolist() == [[True, False, False]]


@pytest.mark.parametrize("offset", [0.0, 1e6, -1e9])
def test_an_offset_is_taken_off(offset):
    units = Standardiser.fit(X + offset)
    np.testing.assert_allclose(units.forward(X + offset), Standardiser.fit(X).forward(X), atol=1e-6)
    np.testing.assert_allclose(units.inverse(units.forward(X + offset)), X + offset, rtol=1e-15, atol=1e-15)
