"""A device without hardware: its tensors report the device "meta" and lie on the CPU.

Code inside `pretence` runs as on a GPU: it is the default device, and each operation checks on which device its
arguments are. What would fail on a GPU is recorded, and the computation continues with the values, so that one pass
finds all faults. Because the values exist, `.item()`, boolean masks, adaptive solvers and loops until convergence run
as on the CPU.
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

__all__ = ["DEVICE", "Note", "is_pretended", "pretence"]

DEVICE = torch.device("meta")  # nothing is computed on it, so that no operation goes unseen
WIDE = (torch.float64, torch.complex128)  # the types that Apple's GPUs lack

Note = Callable[[str, str, tuple[Tensor, ...]], None]  # is told the kind of an event, what it is, and CPU tensors in it

aten = torch.ops.aten
# Operations that are meant for two devices: copies, and indices on the CPU for a tensor of the device.
COPIES = {aten.copy_.default, aten.copy.default, aten._to_copy.default, aten._foreach_copy_.default}
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
# Operations that bring numbers of the device to Python.
READS = {
    aten._local_scalar_dense.default: "a number goes to the CPU, as by .item(), float() and if",
    aten.equal.default: "torch.equal waits for the device",
}
# The zeros of forward-mode gradients have no memory, and may be computed with above autograd only.
SUBSTITUTES = {aten._efficientzerotensor.default: aten.zeros.default}


class _Pretended(Tensor):
    """A tensor that is on the pretended device, and its values, `on_cpu`."""

    on_cpu: Tensor

    @staticmethod
    def __new__(cls, values: Tensor) -> _Pretended:
        made: _Pretended = Tensor._make_wrapper_subclass(
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
        self.on_cpu = values

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return repr(self.on_cpu)

    def __format__(self, spec: str) -> str:
        return format(self.on_cpu, spec)

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _computed(func, args, kwargs or {}, lambda *_: None)


def is_pretended(x: object) -> bool:
    """Whether x is a tensor on the pretended device."""
    return isinstance(x, _Pretended)


@contextlib.contextmanager
def pretence(note: Note) -> Iterator[None]:
    """Add the pretended device to torch inside the block.

    `note` is called with what would fail on a GPU, and with data that are moved.

    The kinds of event are "mixed", "numpy", "float64", "generator" and "moved".
    """
    real = torch.Generator
    torch.Generator = _Generator  # type: ignore[misc]
    try:
        with warnings.catch_warnings(), torch.compiler.set_stance("force_eager"):
            warnings.filterwarnings("ignore", "for .*: copying from a non-meta parameter")  # here it is copied
            with _Operations(note), _Functions(note):
                yield
    finally:
        torch.Generator = real  # type: ignore[misc]
        _Generator.pretended.clear()


class _Generator(torch.Generator):
    """Makes generators of the CPU, some of which are said to belong to the pretended device."""

    pretended: ClassVar[dict[int, Any]] = {}  # by address: an operation is given another object for the same generator

    def __new__(cls, device: Any = "cpu") -> Any:
        make: Any = super().__new__
        if not _is_ours(device):
            return make(cls, device)
        made = make(cls, "cpu")
        cls.pretended[made._cdata] = made
        return made


class _Operations(TorchDispatchMode):
    """Computes what has arguments on the pretended device, or makes tensors on it."""

    def __init__(self, note: Note) -> None:
        super().__init__()
        self.note = note

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {}, self.note)


class _Functions(TorchFunctionMode):
    """Stands in for functions that make or read tensors without an operation that can be seen."""

    def __init__(self, note: Note) -> None:
        super().__init__()
        self.note = note
        self.makers = (torch.tensor, torch.as_tensor, torch.asarray)
        attributes: Any = Tensor  # for their descriptors
        self.methods: dict[Any, Callable[..., Any]] = {
            Tensor.__getitem__: self._with_indices,
            Tensor.__setitem__: self._with_indices,
            Tensor.numpy: self._as_array,
            Tensor.__array__: self._as_array,
            Tensor.tolist: self._as_list,
            Tensor.new_tensor: self._like,
            Tensor.new: self._like,
            attributes.is_meta.__get__: lambda func, x, *_, **__: False,  # else torch takes it for one without values
            attributes.data.__set__: self._with_data,
        }

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in self.makers and args:
            return self._made(func, args, kwargs)
        if args and is_pretended(args[0]) and (method := self.methods.get(func)):
            return method(func, *args, **kwargs)
        return func(*args, **kwargs)

    def _made(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Return a tensor of numbers of Python or NumPy, or of another tensor, on the device that is asked for."""
        if isinstance(args[0], Tensor):  # the copy is an operation
            made = args[0].to(device=kwargs.get("device"), dtype=kwargs.get("dtype"))
            return made.detach().clone() if func is torch.tensor else made
        ours = _is_ours(kwargs.get("device"))
        made = func(*args, **(kwargs | {"device": "cpu"} if ours else kwargs))
        return made.detach().to(DEVICE).requires_grad_(made.requires_grad) if ours else made

    def _like(self, func: Any, x: _Pretended, *args: Any, **kwargs: Any) -> Any:
        """Return a tensor of given numbers, with the type and device of x."""
        if not args or not isinstance(args[0], list | tuple):
            return func(x, *args, **kwargs)
        return self._made(torch.tensor, args, {"dtype": x.dtype, "device": DEVICE} | kwargs)

    def _with_indices(self, func: Any, x: _Pretended, index: Any, *value: Any) -> Any:
        """Read or set items; torch would make tensors of lists of indices where nobody sees it."""
        return func(x, _indices(index), *value)

    def _as_array(self, func: Any, x: _Pretended, *args: Any, force: bool = False, **_: Any) -> Any:
        """Return the values as an array, as a GPU does where it is forced to."""
        if func is Tensor.numpy and (force or (args and args[0])):
            self.note("moved", ".numpy(force=True) copies a tensor to the CPU", ())
        else:
            self.note("numpy", f"{'.numpy()' if func is Tensor.numpy else 'NumPy'} reads a tensor of the device", ())
        return x.on_cpu.detach().resolve_conj().resolve_neg().numpy()

    def _as_list(self, func: Any, x: _Pretended) -> Any:
        self.note("moved", ".tolist() copies a tensor to the CPU", ())
        return x.on_cpu.tolist()

    def _with_data(self, func: Any, x: _Pretended, data: Any) -> Any:
        x.on_cpu = data.on_cpu if is_pretended(data) else data
        return func(x, data)


def _indices(given: Any) -> Any:
    """Return what stands in square brackets, with tensors of the CPU in the place of lists."""
    if isinstance(given, tuple):
        return tuple(map(_indices, given))
    return torch.tensor(given, device="cpu") if isinstance(given, list | range) else given


def _is_ours(device: Any) -> bool:
    return device is not None and torch.device(device).type == DEVICE.type


def _computed(func: Any, args: Any, kwargs: dict[str, Any], note: Note) -> Any:
    """Return what an operation gives, on the device where a GPU would have put it."""
    tensors: list[Tensor] = []
    inner, options = _values((args, kwargs), tensors)
    ours = [tensor for tensor in tensors if isinstance(tensor, _Pretended)]
    target = kwargs.get("device")
    if not ours and not _is_ours(target):
        return func(*args, **kwargs)
    if func in READS:
        note("moved", READS[func], ())
    elif func in COPIES:
        _note_copy(func, args, target, note)
    elif len(ours) < len(tensors):
        _note_mixed(func, args, tensors, note)
    generator = kwargs.get("generator")
    if generator is not None and generator._cdata not in _Generator.pretended:
        note("generator", "random numbers of the device are asked of a generator of the CPU", ())
    there = _is_ours(target) if target is not None else func not in COPIES or is_pretended(args[0])
    found = SUBSTITUTES.get(func, func)(*inner, **options)
    if torch.Tag.inplace_view in func.tags:  # the shape of the argument itself changes
        with no_dispatch():
            func(*args, **kwargs)
    wrappers, wide = {id(tensor.on_cpu): tensor for tensor in ours}, any(tensor.dtype in WIDE for tensor in ours)

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
            note("float64", f"{_name(func)} makes a tensor of {str(value.dtype).removeprefix('torch.')}", ())
        return _Pretended(value)

    return wrapped(found)


def _values(given: Any, tensors: list[Tensor]) -> Any:
    """Return arguments with the values of pretended tensors, and the CPU for a device; collect their tensors."""
    if isinstance(given, Tensor):
        if given.device == DEVICE and not is_pretended(given):  # torch made it where nobody saw it: its values are lost
            given = _Pretended(torch.zeros(given.shape, dtype=given.dtype, device="cpu"))
        tensors.append(given)
        return given.on_cpu if isinstance(given, _Pretended) else given
    if isinstance(given, list | tuple):
        return type(given)([_values(part, tensors) for part in given])
    if isinstance(given, dict):
        return {name: _values(part, tensors) for name, part in given.items()}
    return torch.device("cpu") if isinstance(given, torch.device) else given


def _note_copy(func: Any, args: Any, target: Any, note: Note) -> None:
    """Note a copy from one device to the other; a single number to the device does not count."""
    if func is aten._to_copy.default:
        here = is_pretended(args[0])
        there = here if target is None else _is_ours(target)
    elif isinstance(args[0], Tensor):
        here, there = is_pretended(args[1]), is_pretended(args[0])
    else:
        return
    if here and not there:
        note("moved", "a tensor is copied to the CPU", ())
    elif there and not here and args[0].numel() > 1:
        note("moved", "a tensor is copied from the CPU", ())


def _note_mixed(func: Any, args: Any, tensors: list[Tensor], note: Note) -> None:
    """Note an operation on tensors of both devices; single numbers of the CPU may go into what works place by place."""
    alien = [tensor for tensor in tensors if not is_pretended(tensor)]
    if func in INDEXED and is_pretended(args[0]):
        indices = {id(index) for index in args[1] if index is not None}
        alien = [tensor for tensor in alien if id(tensor) not in indices]
    if torch.Tag.pointwise in func.tags or func in INDEXED:
        alien = [tensor for tensor in alien if tensor.ndim]
    if alien:
        note("mixed", f"{_name(func)} has tensors of the device and of the CPU", tuple(alien))


def _name(func: Any) -> str:
    """Return the name of an operation, as Python has it."""
    return str(func.overloadpacket.__name__).strip("_")
