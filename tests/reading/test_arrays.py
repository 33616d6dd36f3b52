from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

import genbench
from genbench.core.errors import GenbenchError
from genbench.reading.arrays import exact, no_missing

FRAME = pd.DataFrame({"a": [1, 2], "b": [0.1, 2.5]})
VALUES = np.array([[1, 0.1], [2, 2.5]])


@pytest.mark.parametrize(
    "data",
    [
        VALUES, VALUES.tolist(), tuple(map(tuple, VALUES)), np.asfortranarray(VALUES), FRAME, FRAME.astype("Float64"), torch.tensor(VALUES),
        torch.tensor(VALUES, requires_grad=True), np.ma.masked_array(VALUES, mask=False), VALUES.astype(object).astype(float),
        FRAME.astype(pd.SparseDtype(float)), FRAME.astype({"a": "Int64"}), FRAME.astype({"a": "uint8"}),
    ],
)  # fmt: skip
def test_the_same_numbers_come_out(data):
    found = exact(data, "mine")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, VALUES)


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (torch.tensor([1.5, -2], dtype=torch.bfloat16), [1.5, -2]),
        (torch.tensor([3, 4]).neg(), [-3, -4]),
        (np.array([True, False]), [1, 0]),
        (np.float16([0.1]), [float(np.float16(0.1))]),
        (np.array([2**60]), [2.0**60]),
        (pd.array([1, None], dtype="Int64"), [1, np.nan]),
        (pd.Series([2.5], name="a"), [2.5]),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), [[1, 2]]),
    ],
)
def test_what_holds_numbers_in_other_ways_is_read(data, values):
    np.testing.assert_array_equal(exact(pd.Series(data) if hasattr(data, "_mask") else data, "mine"), values)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.array([1j]), "mine holds complex numbers; pass their real and imaginary parts"),
        (torch.tensor([1j]), "mine holds complex numbers"),
        (FRAME.assign(c=1j), "column 'c' holds complex"),
        (np.ma.masked_array([1.0, 2.0], mask=[0, 1]), "mine masks 1 of its 2 values"),
        (scipy.sparse.csr_array(np.eye(2)), r"mine is a sparse csr_array; pass its \.toarray\(\)"),
        (torch.eye(2).to_sparse(), r"sparse tensor; pass its \.to_dense\(\)"),
        (torch.ones(2, device="meta"), "without values"),
        ([[1, 2], [3]], "mine has 1 values in row 1, where row 0 has 2"),
        ([[1, "a"]], "mine holds text .'a'.; encode it"),
        ("text", "mine holds text .'text'."),
        (np.array([1, None], dtype=object), r"None at \[1\]"),
        ([Decimal("0.1")], "Decimal at"),
        (None, "mine is a NoneType; pass an array"),
        ({"a": 1}, "mine is a dict"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "mine holds dates"),
        (np.zeros(2, dtype=[("x", float)]), "mine holds records"),
        (
            FRAME.assign(c=["x", "y"]),
            r"column 'c' is .*not numbers \(it holds 'x'\); drop it, encode it, or pass it as",
        ),
        (FRAME.assign(c=pd.Categorical(["x", "y"])), "column 'c' is category"),
        (FRAME.assign(c=pd.to_datetime(["2020-01-01"] * 2)), "column 'c' holds dates"),
        (pd.DataFrame(index=[1, 2]), "without columns"),
        (np.array([2**53 + 1]), "holds 9007199254740993, which float64 rounds"),
        (pd.DataFrame({"a": [2**53 + 1], "b": [0.5]}), "column 'a' holds 9007199254740993"),
        (np.array([2**64 - 1], dtype=np.uint64), "18446744073709551615"),
    ],
    ids=str,
)
def test_what_would_lose_something_is_refused_in_one_line(data, message):
    with pytest.raises(GenbenchError, match=message) as caught:
        exact(data, "mine")
    assert "\n" not in str(caught.value)


def test_the_first_missing_value_is_named():
    x = np.array([[1, 2], [3, np.inf], [np.nan, np.nan]])
    with pytest.raises(
        GenbenchError, match="mine: 2 of 3 rows hold NaN or infinite values, the first in row 1, column 'b'"
    ):
        no_missing(x, "mine", ["a", "b"])
    no_missing(x[:1], "mine")


def test_models_take_frames_and_tensors():
    x = np.random.default_rng(0).normal(size=(100, 2))
    model, frame = genbench.load_model("gaussian"), pd.DataFrame(x, columns=["a", "b"])
    expected = model.fit(x).log_prob(x)
    for same in (frame, torch.tensor(x), torch.tensor(x, requires_grad=True), x.tolist()):
        np.testing.assert_array_equal(genbench.load_model("gaussian").fit(same).log_prob(same), expected)
    y = (x[:, 0] > 0).astype(int)
    expected = genbench.load_classifier("gaussian").fit(x, y).predict_log_proba(x)
    for points, labels in ((frame, pd.Series(y)), (torch.tensor(x), torch.tensor(y)), (x.tolist(), y)):
        classifier = genbench.load_classifier("gaussian").fit(points, labels)
        np.testing.assert_array_equal(classifier.predict_log_proba(points), expected)
    with pytest.raises(GenbenchError, match="x for gaussian holds complex"):
        model.fit(x + 0j)
    with pytest.raises(GenbenchError, match="x for gaussian masks 1 of"):
        model.log_prob(np.ma.masked_array([[1.0, 2.0]], mask=[[0, 1]]))
