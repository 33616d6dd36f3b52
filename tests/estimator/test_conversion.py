"""What a plugin may return: converted where nothing is lost, else refused in one line that says what and why."""

import decimal
import fractions

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from genbench.contracts.model import Model, ModelCard
from genbench.core.errors import BadSamples, ContractError, GenbenchWarning
from genbench.estimator.conversion import as_numbers, as_scalars
from genbench.estimator.estimator import Estimator
from genbench.numerics.mixture import Mixture

X = np.array([[1.0, 0.5], [2.0, 0.0]])

CONVERTED = {
    "lists": X.tolist(),
    "whole numbers": (2 * X).astype(int),
    "complex": X + 0j,
    "masked": np.ma.array(X, mask=False),
    "scipy sparse": scipy.sparse.csr_array(X),
    "torch sparse": torch.tensor(X).to_sparse(),
    "torch csr": torch.tensor(X).to_sparse_csr(),
    "objects": np.array([[1, 0.5], [fractions.Fraction(2), decimal.Decimal(0)]], dtype=object),
    "rows of objects": [torch.tensor([1.0, 0.5]), np.array([2, 0], dtype=object)],
    "data frame": pd.DataFrame(X),
    "bfloat16": torch.tensor(X, dtype=torch.bfloat16),
    "float16": torch.tensor(X).half(),
    "numpy float16": X.astype(np.float16),
    "float8": torch.tensor(X).to(torch.float8_e5m2),
    "gradients": torch.tensor(X, requires_grad=True),
    "conjugate": torch.tensor(X + 0j).conj(),
}


@pytest.mark.parametrize("kind", CONVERTED)
def test_what_loses_nothing_is_converted(kind):
    found = as_numbers(CONVERTED[kind], "m.sample")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, 2 * X if kind == "whole numbers" else X)


def test_numbers_that_are_no_arrays_and_truth_values_are_converted():
    assert as_numbers(np.array([True, False]), "m.sample").tolist() == [1, 0]
    assert as_numbers(pd.Series([1, 2], dtype="Int64"), "m.sample").tolist() == [1, 2]
    assert as_numbers(1.5, "m.sample").shape == ()
    assert np.isneginf(as_numbers(np.float32([-np.inf]), "m.log_prob")).all()


REFUSED = {
    "None": (None, "None"),
    "text": (np.array(["1.5"]), "text"),
    "complex": (X + np.array([0, 1j]), "complex numbers, 2 of 4 with an imaginary part"),
    "masked": (np.ma.array(X, mask=[[0, 1], [0, 0]]), "an array of which 1 of 4 values are masked"),
    "masked in a list": ([np.ma.array([1.0], mask=[1])], "an array of which 1 of 1 values are masked"),
    "None among objects": (np.array([None, 1], dtype=object), "an array of objects with None among them"),
    "text among objects": (np.array(["1.5", 1], dtype=object), "an array of objects with text among them"),
    "float16": (torch.tensor([1e6]).half(), "1 infinite values in float16: it overflowed"),
    "bfloat16": (torch.tensor([-1e39]).bfloat16(), "1 infinite values in bfloat16: it overflowed"),
    "numpy float16": (np.array([np.inf], dtype=np.float16), "1 infinite values in float16: it overflowed"),
    "ragged": ([[1, 2], [3]], "a list whose parts differ in shape, (2,) and (1,)"),
    "two values": ((np.zeros((2, 2)), np.zeros(2)), "a tuple whose parts differ in shape, (2, 2) and (2,)"),
    "nested": (torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "a nested tensor"),
    "meta": (torch.ones(2, device="meta"), "a Tensor, which cannot be read as numbers (NotImplementedError"),
    "dates": (np.array(["2020-01-01"], dtype="M8[D]"), "dates (datetime64[D])"),
    "fields": (np.zeros(2, dtype=[("a", float), ("b", float)]), "an array with the fields a, b"),
    "large": (np.array([2**53 + 1]), "1 whole numbers beyond 2^53 (int64)"),
    "a dict": ({"samples": X}, "a dict"),
    "a generator": ((row for row in X), "a generator"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_would_lose_something_is_refused_by_name(kind):
    given, words = REFUSED[kind]
    with pytest.raises(ContractError) as caught:
        as_numbers(given, "m.sample")
    assert str(caught.value).startswith(f"m.sample gave {words}")
    assert "\n" not in str(caught.value)


def test_scalars_by_name_are_numbers():
    assert as_scalars({"a": torch.tensor([2.0]), "b": 1}, "m.diagnose") == {"a": 2.0, "b": 1.0}
    for wrong in (None, {"a": np.zeros(2)}, {"a": "1"}):
        with pytest.raises(ContractError, match="^m.diagnose"):
            as_scalars(wrong, "m.diagnose")


class Anything(Model):
    """Returns whatever it is told to."""

    gives = None

    def fit(self, x):
        pass

    def sample(self, n):
        return self.gives

    log_prob = diagnose = to_latent = from_latent = forecast = sample

    def velocity_at(self, x, t):
        return self.gives

    def trajectory(self, n):
        return self.gives


def model(gives):
    found = Estimator(ModelCard("any", "test", Anything, likelihood="exact")).fit(np.arange(8.0).reshape(4, 2))
    found.model.gives = gives
    return found


CALLS = {
    "sample": lambda m: m.sample(2),
    "log_prob": lambda m: m.log_prob(X),
    "to_latent": lambda m: m.encode(X),
    "from_latent": lambda m: m.decode(X),
    "velocity_at": lambda m: m.velocity(X, 0.5),
    "trajectory": lambda m: m.trajectory(2),
    "forecast": lambda m: m.forecast(X[:, :1]),
    "diagnose": lambda m: m.diagnose(X),
}


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("gives", [None, "text", {"a": X + 1j}, np.ma.masked_all((2, 2))])
def test_every_method_is_looked_at_and_named(method, gives):
    with pytest.raises(ContractError, match=rf"^any\.{method}.* gave ") as caught:
        CALLS[method](model(gives))
    assert isinstance(caught.value, BadSamples) == (method == "sample")


def test_shapes_that_would_be_broadcast_are_refused():
    for method, wrong in (("to_latent", X[:1]), ("from_latent", X[:, :1]), ("velocity_at", X[:, :1]), ("log_prob", X)):
        with pytest.raises(ContractError, match=rf"^any\.{method} gave (points of )?shape"):
            CALLS[method](model(wrong))


def test_sparse_samples_and_a_mixture_of_lists_are_used():
    units = model(None).standardiser
    np.testing.assert_allclose(model(scipy.sparse.csr_array(X)).sample(2), units.inverse(X))
    found = model(Mixture(np.zeros((2, 1)).tolist(), [[0.0], [1.0]], [[1.0], [1.0]])).forecast(X[:, :1])
    np.testing.assert_allclose(found.means[:, 0], units.mean[1] + units.scale[1] * np.array([0.0, 1.0]))


def test_a_diagnosis_that_is_nan_is_left_out_and_said():
    with pytest.warns(GenbenchWarning, match="any.diagnose gave NaN for 'b'"):
        assert model({"a": 1.0, "b": np.nan}).diagnose(X) == {"a": 1.0}
