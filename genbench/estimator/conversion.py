"""Conversion of what a model's methods return to float64 numpy arrays.

It is done where nothing is lost; otherwise an error names the method.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from numbers import Number
from typing import Any

import numpy as np

from genbench.core.errors import ContractError
from genbench.core.types import Array

__all__ = ["as_numbers", "as_scalars"]

NARROW = 4  # bytes of a float: with fewer, an overflow to infinity is an everyday accident of the format
EXACT = 2**53  # float64 holds every whole number up to here


def as_numbers(given: Any, source: str, error: type[ContractError] = ContractError) -> Array:
    """Return the result of a method as a float64 array of the same shape.

    It converts tensors on any device, with gradients, sparse or in half precision; scipy's sparse arrays; masked arrays
    without masked values; complex numbers with imaginary part 0; integers, booleans, data frames, lists, and arrays of
    Python numbers.

    Args:
        given: what a plugin returned, of any type.
        source: the model and its method, as in "gmm.sample"; the error begins with it.
        error: the class of the error.

    Raises:
        ContractError: it is not made of numbers, or the conversion would lose information. Its text is one line.
    """
    try:
        return _converted(given)
    except _Refused as refusal:
        raise error(f"{source} gave {refusal}") from None
    except Exception as failure:  # an array type may raise anything when it is read
        line = f"{type(failure).__name__}: {failure}".partition("\n")[0]
        raise error(f"{source} gave {_named(given)}, which cannot be read as numbers ({line})") from None


def as_scalars(given: Any, source: str) -> dict[str, float]:
    """Return the numbers that a method gave, by name.

    Raises:
        ContractError: a value is not a number; the message names it.
    """
    if not hasattr(given, "items"):
        raise ContractError(f"{source} gave {_named(given)}; return a dict of numbers by name")
    found = {str(name): as_numbers(value, f"{source}, {name!r},") for name, value in given.items()}
    for name, value in found.items():
        if value.size != 1:
            raise ContractError(f"{source} gave shape {value.shape} for {name!r}; it must be one number")
    return {name: float(value.reshape(())) for name, value in found.items()}


class _Refused(Exception):
    """What was given and what to return instead, as the end of a sentence."""


def _converted(given: Any) -> Array:
    """Return anything as float64; _Refused says why not."""
    if given is None:
        raise _Refused("None; return an array of numbers")
    if isinstance(given, str | bytes):
        raise _Refused("text; return an array of numbers")
    torch, sparse = sys.modules.get("torch"), sys.modules.get("scipy.sparse")  # what is not imported is not given
    if torch is not None and isinstance(given, torch.Tensor):
        return _from_array(*_from_tensor(given))
    if isinstance(given, list | tuple):
        return _from_parts(given)
    if isinstance(given, np.ma.MaskedArray):
        if hidden := int(np.ma.getmaskarray(given).sum()):
            raise _Refused(f"an array of which {hidden} of {given.size} values are masked; fill them")
        given = given.data
    elif sparse is not None and sparse.issparse(given):
        given = given.toarray()
    elif not isinstance(given, np.ndarray) and callable(getattr(given, "to_numpy", None)):  # pandas, polars
        given = given.to_numpy()
    if not isinstance(given, np.ndarray | np.generic | Number) and not hasattr(given, "__array__"):
        raise _Refused(f"{_named(given)}; return an array of numbers")
    array = np.asarray(given)
    return _from_array(array, str(array.dtype))


def _from_tensor(x: Any) -> tuple[Any, str]:
    """Return a tensor as numpy in a type that numpy knows, and the name of the type that it had."""
    name = str(x.dtype).removeprefix("torch.")
    if x.is_nested:
        raise _Refused("a nested tensor; return one of a single shape")
    if x.is_quantized:
        x = x.dequantize()
    x = x.detach()
    if x.layout != sys.modules["torch"].strided:
        x = x.to_dense()
    x = x.cpu().resolve_conj().resolve_neg()
    if x.is_floating_point() and x.element_size() < NARROW:
        x = x.float()  # numpy knows no bfloat16
    return x.numpy(), name


def _from_parts(parts: Any) -> Array:
    """Return a list as an array: of numbers, or of parts of one shape."""
    if all(isinstance(part, int | float | np.number | np.bool_) for part in parts):
        array = np.asarray(parts)  # none is lost: NumPy takes whole numbers beyond int64 for objects
        return _from_array(array, str(array.dtype))
    arrays = [_converted(part) for part in parts]
    shapes = dict.fromkeys(array.shape for array in arrays)
    if len(shapes) > 1:
        some = " and ".join(str(shape) for shape in list(shapes)[:2])
        raise _Refused(f"a {type(parts).__name__} whose parts differ in shape, {some}; return one array")
    return np.stack(arrays)


def _from_array(x: Any, dtype: str) -> Array:
    """Return an array as float64; `dtype` is the name of the type that it came in."""
    kind = x.dtype.kind
    if kind == "O":
        return _from_objects(x)
    if kind == "c":
        if lost := int((x.imag != 0).sum()):  # NaN differs from 0
            raise _Refused(f"complex numbers, {lost} of {x.size} with an imaginary part; return the real numbers meant")
        x = x.real
    elif kind in "US":
        raise _Refused("text; return an array of numbers")
    elif kind in "mM":
        raise _Refused(f"dates ({dtype}); return numbers")
    elif x.dtype.names:
        raise _Refused(f"an array with the fields {', '.join(x.dtype.names)}; return plain numbers")
    with np.errstate(over="ignore"):
        found: Array = np.asarray(x, dtype=np.float64)  # of a type that numpy does not know, such as bfloat16, too
    large = kind in "iu" and x.size and max(int(x.max()), -int(x.min())) > EXACT
    if large and (lost := sum(int(a) != int(b) for a, b in zip(x.flat, found.flat, strict=True))):
        raise _Refused(f"{lost} whole numbers beyond 2^53 ({dtype}), which float64 cannot hold; return floats")
    if infinite := _overflowed(x, found, dtype):
        raise _Refused(f"{infinite} infinite values in {dtype}: it overflowed; compute in float32 or float64")
    return found


def _overflowed(x: Any, found: Array, dtype: str) -> int:
    """Return how many values are infinite for want of room: all of a narrow type, and those that float64 cannot hold.

    In float32 and float64 infinity may be meant: the log-density of a point that is impossible.
    """
    if "float16" in dtype or "float8" in dtype or "complex32" in dtype:
        return int(np.isinf(found).sum())
    if x.dtype.kind == "f" and x.dtype.itemsize > found.dtype.itemsize:
        return int((np.isinf(found) & np.isfinite(x)).sum())
    return 0


def _from_objects(x: Any) -> Array:
    """Return an array of Python objects, each of which must be a real number or an array itself."""
    if x.ndim == 0:
        item = x.item()
        if not isinstance(item, Number):
            raise _Refused(f"{_named(item)}; return an array of numbers")
    values = list(x.flat)
    if all(isinstance(value, Number | np.bool_) for value in values):
        return np.array([_real(value) for value in values], dtype=np.float64).reshape(x.shape)
    if x.ndim == 1 and not any(value is None or isinstance(value, str | bytes) for value in values):
        return _from_parts(values)
    odd = next(value for value in values if not isinstance(value, Number | np.bool_))
    raise _Refused(f"an array of objects with {_named(odd)} among them; return an array of numbers")


def _real(value: Any) -> float:
    """Return one of Python's numbers as a float."""
    if isinstance(value, complex | np.complexfloating):
        if value.imag != 0:
            raise _Refused("complex numbers with an imaginary part; return the real numbers meant")
        return float(value.real)
    number = float(value)
    if isinstance(value, int | np.integer) and int(number) != int(value):
        raise _Refused(f"the whole number {value}, which float64 cannot hold; return floats")
    if np.isinf(number) and not (isinstance(value, float | np.floating | Decimal) and value in (np.inf, -np.inf)):
        raise _Refused("a number beyond the range of float64; return floats")
    return number


def _named(given: Any) -> str:
    """Return what something is, for an error."""
    return "None" if given is None else "text" if isinstance(given, str | bytes) else f"a {type(given).__name__}"
