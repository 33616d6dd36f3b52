"""A device without hardware: tensors that say they are on torch's device "meta" and keep their values on the CPU.

What is built and called inside `pretence` runs as on a GPU: the default device makes tensors of it, and each operation
sees on which device its arguments are. Where a GPU would refuse, it is noted, with the line of the user's code, and
the computation goes on with the values, so that one pass finds all. Since the values are there, `.item()`, boolean
masks, solvers with a step size of their own and loops until convergence run as they do on the CPU.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["DEVICE", "Note", "PretendedTensor", "is_pretended", "pretence"]

DEVICE = torch.device("meta")  # nothing runs on it, so that torch's own code for it never computes anything
WIDE = (torch.float64, torch.complex128)  # the types that Apple's GPUs lack

Note = Callable[[str, str, tuple[Tensor, ...]], None]  # is told a kind of event, what happened, and CPU tensors in it

aten = torch.ops.aten
# Operations that are meant to have arguments on two devices: copies, and indices on the CPU into a tensor of the device.
COPIES = {aten.copy_.default, aten.copy.default, aten._to_copy.default, aten._foreach_copy_.default}
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
SUBSTITUTES = {aten._efficientzerotensor.default: aten.zeros.default}  # of forward-mode gradients; it has no memory
ITEMS = (Tensor.__getitem__, Tensor.__setitem__)
ARRAYS = (Tensor.numpy, Tensor.__array__)
IS_META, SET_DATA = Tensor.is_meta.__get__, Tensor.data.__set__  # type: ignore[attr-defined]
READS = {aten._local_scalar_dense.default: "reads one number, as .item(), float() and if do", aten.equal.default: "equal"}


class PretendedTensor(Tensor):
    """A tensor that is on the pretended device, and its `values` on the CPU."""

    values: Tensor

    @staticmethod
    def __new__(cls, values: Tensor) -> PretendedTensor:
        """Return a tensor with the shape, type and memory layout of values."""
        made: PretendedTensor = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            layout=values.layout,
            device=DEVICE,
        )
        return made

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __repr__(self, **_: Any) -> str:
        return repr(self.values)

    def __format__(self, spec: str) -> str:
        return format(self.values, spec)

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Compute with the values."""
        return _computed(func, args, kwargs or {}, lambda *_: None)


def is_pretended(x: Any) -> bool:
    """Whether x is a tensor on the pretended device."""
    return isinstance(x, PretendedTensor)


@contextlib.contextmanager
def pretence(note: Note) -> Iterator[None]:
    """Let torch have the pretended device inside; `note` is told what a GPU would refuse, and what leaves it.

    The kinds of event are "mixed", "numpy", "float64", "generator" and "moved".
    """
    real = torch.Generator
    torch.Generator = _Generator  # type: ignore[misc, assignment]
    try:
        with warnings.catch_warnings(), torch.compiler.set_stance("force_eager"):
            warnings.filterwarnings("ignore", "for .*: copying from a non-meta parameter")  # it is copied here
            with _Operations(note), _Functions(note):
                yield
    finally:
        torch.Generator = real  # type: ignore[misc]
        _Generator.pretended.clear()


class _Generator(torch.Generator):
    """A generator of the CPU that may say it belongs to the pretended device."""

    pretended: ClassVar[dict[int, torch.Generator]] = {}  # by address, as an operation is given another object

    def __new__(cls, device: Any = "cpu") -> _Generator:
        """Return a generator for a device."""
        if not _is_ours(device):
            return super().__new__(cls, device)
        made = super().__new__(cls, "cpu")
        cls.pretended[made._cdata] = made
        return made


class _Operations(TorchDispatchMode):
    """Computes what has arguments on the pretended device, or makes tensors on it."""

    def __init__(self, note: Note) -> None:
        super().__init__()
        self.note = note

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {}, self.note)


class _Functions(TorchFunctionMode):
    """Stands in for the functions of Python that read or make tensors without an operation that can be seen."""

    def __init__(self, note: Note) -> None:
        super().__init__()
        self.note = note

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor, torch.asarray):
            return self._made(func, args, kwargs)
        if not args or not is_pretended(args[0]):
            return func(*args, **kwargs)
        x, rest = args[0], args[1:]
        if func in ARRAYS:
            return self._as_array(func, x, rest, kwargs)
        if func is Tensor.tolist:
            self.note("moved", ".tolist() copies a tensor to the CPU", ())
            return x.values.tolist()
        if func is Tensor.new_tensor or (func is Tensor.new and rest and isinstance(rest[0], list | tuple)):
            return self._made(torch.tensor, rest, {"dtype": x.dtype, "device": DEVICE} | kwargs)
        if func in ITEMS:  # torch makes a list of indices a tensor where nobody sees it
            rest = (_indices(rest[0]), *rest[1:])
        if func == IS_META:
            return False  # else torch takes it for one without values
        if func == SET_DATA:
            x.values = rest[0].values if is_pretended(rest[0]) else rest[0]
        return func(x, *rest, **kwargs)

    def _made(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return a tensor of Python's numbers or NumPy's; on the pretended device where it is asked for or given."""
        device = kwargs.get("device")
        there = is_pretended(args[0]) and func is not torch.tensor if device is None else _is_ours(device)
        if not args or is_pretended(args[0]):  # already a tensor: a copy, which `_computed` sees
            given = kwargs.get("dtype")
            moved = args[0] if device is None else args[0].to(device)
            return moved if given is None else moved.to(given)
        made = func(*args, **({**kwargs, "device": "cpu"} if there else kwargs))
        if not there:
            return made
        return made.to(DEVICE)

    def _as_array(self, func: Callable[..., Any], x: PretendedTensor, rest: tuple[Any, ...], kwargs: Any) -> Any:
        """Return an array of the values, which a GPU gives only where it is forced to."""
        forced = func is Tensor.numpy and (kwargs.get("force") or (rest and rest[0]))
        if forced:
            self.note("moved", ".numpy(force=True) copies a tensor to the CPU", ())
        else:
            self.note("numpy", f"{'.numpy()' if func is Tensor.numpy else 'NumPy'} reads a tensor of the device", ())
        return x.values.detach().resolve_conj().resolve_neg().numpy()


def _indices(given: Any) -> Any:
    """Return what stands in square brackets with tensors of the CPU in the place of lists."""
    if isinstance(given, tuple):
        return tuple(map(_indices, given))
    return torch.tensor(given, device="cpu") if isinstance(given, list | range) else given


def _is_ours(device: Any) -> bool:
    return device is not None and torch.device(device).type == DEVICE.type


def _computed(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], note: Note) -> Any:
    """Return what an operation gives, on the device where a GPU would have put it."""
    tensors: list[Tensor] = []
    inner, options = _values((args, kwargs), tensors)
    ours = [tensor for tensor in tensors if isinstance(tensor, PretendedTensor)]
    target = kwargs.get("device")
    if not ours and not _is_ours(target):
        return func(*args, **kwargs)
    if func in READS:
        note("moved", READS[func], ())
    elif func in COPIES:
        _note_copy(func, args, target, note)
    elif len(ours) < len(tensors):
        _note_mixed(func, args, tensors, note)
    _note_generator(kwargs.get("generator"), note)
    there = _is_ours(target) if target is not None else func not in COPIES or isinstance(args[0], PretendedTensor)
    found = SUBSTITUTES.get(func, func)(*inner, **options)
    if torch.Tag.inplace_view in func.tags:  # the shape of the argument itself changes
        with no_dispatch():
            func(*args, **kwargs)
    wrappers, wide = {id(tensor.values): tensor for tensor in ours}, any(tensor.dtype in WIDE for tensor in ours)

    def wrapped(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(map(wrapped, value))
        if not isinstance(value, Tensor):
            return value
        if (whole := wrappers.get(id(value))) is not None:
            return whole
        if not there or any(value is tensor for tensor in tensors):
            return value
        if value.dtype in WIDE and not wide:  # what comes of one that is noted is not noted again
            note("float64", f"{_name(func)} gives {str(value.dtype).removeprefix('torch.')}", ())
        return PretendedTensor(value)

    return wrapped(found)


def _values(given: Any, tensors: list[Tensor]) -> Any:
    """Return arguments with the values of pretended tensors, and the CPU for a device; collect their tensors."""
    if isinstance(given, PretendedTensor):
        tensors.append(given)
        return given.values
    if isinstance(given, Tensor):
        if given.device == DEVICE:  # torch made it where nobody saw it, and its values are lost
            given = PretendedTensor(torch.zeros(given.shape, dtype=given.dtype, device="cpu"))
            return _values(given, tensors)
        tensors.append(given)
        return given
    if isinstance(given, list | tuple):
        return type(given)([_values(part, tensors) for part in given])
    if isinstance(given, dict):
        return {name: _values(part, tensors) for name, part in given.items()}
    return torch.device("cpu") if isinstance(given, torch.device) else given


def _note_copy(func: Any, args: tuple[Any, ...], target: Any, note: Note) -> None:
    """Note a copy from one device to another."""
    if func is aten._to_copy.default:
        here, there = is_pretended(args[0]), is_pretended(args[0]) if target is None else _is_ours(target)
    elif isinstance(args[0], Tensor):
        here, there = is_pretended(args[1]), is_pretended(args[0])
    else:
        return
    if here and not there:
        note("moved", "a tensor is copied to the CPU", ())
    elif there and not here and args[0].numel() > 1:
        note("moved", "a tensor is copied from the CPU", ())


def _note_mixed(func: Any, args: tuple[Any, ...], tensors: list[Tensor], note: Note) -> None:
    """Note an operation on tensors of two devices; numbers on the CPU may go into one that works place by place."""
    alien = [value for value in tensors if not is_pretended(value)]
    if func in INDEXED and is_pretended(args[0]):
        indices = {id(index) for index in args[1] if index is not None}
        alien = [value for value in alien if id(value) not in indices]
    if torch.Tag.pointwise in func.tags or func in INDEXED:
        alien = [value for value in alien if value.ndim]
    if alien:
        note("mixed", f"{_name(func)} has tensors of the device and of the CPU", tuple(alien))


def _note_generator(generator: Any, note: Note) -> None:
    """Note random numbers of the device that are asked of a generator of the CPU."""
    if generator is not None and generator._cdata not in _Generator.pretended:
        note("generator", "random numbers of the device are asked of a generator of the CPU", ())


def _name(func: Any) -> str:
    """Return the name of an operation as Python has it."""
    return str(func.overloadpacket.__name__).strip("_")
