"""Syntax trees reduced to what can change a trial's outcome."""

from __future__ import annotations

import ast
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from typing import Any

__all__ = ["bound_names", "called_alone", "normal_form", "only_raises", "references"]

DISPLAY = ("__repr__", "_repr_html_")  # methods that only show an object
# Arguments of the decorators that register a plugin which only say how it is listed and shown.
DESCRIPTION = (
    "costly",
    "family",
    "higher_is_better",
    "label",
    "main",
    "order",
    "paper",
    "ranked",
    "ratio",
    "reads",
    "source",
    "unit",
    "variant",
)
# Functions and methods that change nothing: an assignment that nothing reads may call them and yet be left out.
PURE = (
    "all",
    "any",
    "dict",
    "getattr",
    "isinstance",
    "items",
    "keys",
    "len",
    "list",
    "max",
    "min",
    "set",
    "tuple",
    "values",
)
REGISTERING = ("register_dataset", "register_metric", "register_model")


def bound_names(statement: ast.stmt) -> list[str]:
    """Return the names that a statement at the top level of a file defines, without imports."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return []
    stored = (node for node in _parts(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return [node.id for node in stored]


def called_alone(statement: ast.stmt) -> set[str]:
    """Return the names of functions whose return values are not used.

    They are called for their effects, or because they may raise.
    """
    lines = (node.value for node in _parts(statement) if isinstance(node, ast.Expr))
    return {call.func.id for call in lines if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}


def only_raises(statement: ast.stmt, checks: Collection[str]) -> bool:
    """Whether a statement defines a function that can only raise.

    `checks` are the names of other functions of this kind.
    """
    if not isinstance(statement, ast.FunctionDef):
        return False
    kept = _Stripped(checks).visit(_copied(statement))
    return all(isinstance(part, ast.Pass) for part in kept.body)


def references(statement: ast.stmt, checks: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Yield the names that a statement reads, each with its attributes.

    `a.b.c` is ("a", "b", "c").

    Decorators that register a plugin, and the `checks`, which can only raise, are left out.
    """
    kept = _Stripped(checks).visit(_copied(statement))
    inner: set[int] = set()  # parts of a chain that was yielded already
    for node in _parts(kept) if kept else ():
        chain: list[str] = []
        at = node
        while isinstance(at, ast.Attribute):
            inner.add(id(at.value))
            chain.append(at.attr)
            at = at.value
        if isinstance(at, ast.Name) and id(node) not in inner and at.id not in REGISTERING:
            yield (at.id, *reversed(chain))


def normal_form(
    statement: ast.stmt,
    names: Mapping[str, str | None],
    plumbing: Collection[str],
    renamed: Mapping[str, str],
    checks: Collection[str],
) -> str:
    """Return a statement as text that is the same for equivalent code.

    Args:
        names: the original name of each imported name; None for a module, whose name is left out.
        plumbing: names of imported classes that do not count as base classes.
        renamed: today's name for each name that is written differently here.
        checks: functions that can only raise.
    """
    kept = _Renamed(names, plumbing, renamed).visit(_Stripped(checks).visit(_copied(statement)))
    return ast.dump(kept) if kept else ""


def _parts(node: Any) -> Iterator[Any]:
    """Yield a syntax tree's nodes in the order of `ast.walk`, in half its time."""
    todo: deque[Any] = deque([node])
    while todo:
        node = todo.popleft()
        yield node
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                todo.extend([part for part in value if isinstance(part, ast.AST)])
            elif isinstance(value, ast.AST) and value._fields:
                todo.append(value)


def _copied(node: Any) -> Any:
    """Return a copy of a syntax tree without places in files; six times as fast as `copy.deepcopy`."""
    if isinstance(node, list):
        return [_copied(part) for part in node]
    if not isinstance(node, ast.AST):
        return node
    return type(node)(*[_copied(getattr(node, field, None)) for field in node._fields])


class _Stripped(ast.NodeTransformer):
    """Takes out docstrings, imports, annotations, and checks that only raise."""

    def __init__(self, checks: Collection[str]) -> None:
        self.checks = checks
        self.read: Counter[str] = Counter()  # how often the function at hand reads each name

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        self.generic_visit(node)
        check = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") in self.checks
        return None if check else node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        body = [part for part in node.body if getattr(part, "name", "") not in DISPLAY]
        node.body = _undocumented(body)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        outside, self.read = self.read, _read(node)
        self.generic_visit(node)
        self.read = outside
        node.returns = None
        node.body = _without_dead(_undocumented(node.body))
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if getattr(node.func, "attr", getattr(node.func, "id", "")) in REGISTERING:
            node.keywords = [part for part in node.keywords if part.arg not in DESCRIPTION]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value else ast.Expr(node.target)

    def visit(self, node: ast.AST) -> Any:
        return None if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert) else super().visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func  # whatever it says
        return node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        named = [part.target.id for part in _parts(node.test) if isinstance(part, ast.NamedExpr)]
        named_for_later = any(self.read[name] > _read(node)[name] for name in named)
        self.generic_visit(node)
        return None if not node.orelse and not named_for_later and _refuses(node.body) else _filled(node)

    def visit_For(self, node: ast.For) -> ast.AST | None:
        self.generic_visit(node)
        return _filled(node) if node.body else None

    def visit_With(self, node: ast.With) -> ast.AST:
        self.generic_visit(node)
        return _filled(node)

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.generic_visit(node)
        for part in (node, *node.handlers):
            _filled(part)
        return node


class _Renamed(ast.NodeTransformer):
    """Calls everything by the name it was defined by, whatever module it is imported from and as what."""

    def __init__(self, names: Mapping[str, str | None], plumbing: Collection[str], renamed: Mapping[str, str]) -> None:
        self.names, self.plumbing, self.renamed = names, plumbing, renamed

    def _today(self, name: str) -> str:
        return self.renamed.get(name, name)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.bases = [base for base in node.bases if getattr(base, "id", "") not in self.plumbing]
        node.name = self._today(node.name)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._today(node.name)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._today(self.names.get(node.id) or node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        module = isinstance(node.value, ast.Name) and self.names.get(node.value.id, "") is None
        if module:
            return ast.Name(self._today(node.attr), node.ctx)
        node.attr = self._today(node.attr)
        return self.generic_visit(node)


def _refuses(body: list[ast.stmt]) -> bool:
    """Whether a block raises what ends a trial; NotImplementedError means that a score is absent."""
    *before, last = body
    raises = isinstance(last, ast.Raise) and "NotImplementedError" not in ast.dump(last)
    return raises and all(isinstance(statement, ast.Assign) for statement in before)


def _read(node: ast.AST) -> Counter[str]:
    """Return how often names are read in a piece of code; those that it shares with code outside count as read."""
    parts = list(_parts(node))
    found = Counter(part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load))
    shared = (part.names for part in parts if isinstance(part, ast.Global | ast.Nonlocal))
    return found + Counter(name for names in shared for name in names)


def _undocumented(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[documented:] or [ast.Pass()]


def _filled(node: ast.AST) -> ast.AST:
    """Return a block whose body is not empty after what was taken out."""
    node.body = node.body or [ast.Pass()]  # type: ignore[attr-defined]
    return node


def _without_dead(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return a function's statements without assignments to names that nothing reads, where they call nothing.

    They are left where a check was taken out that read them.
    """
    read = sum(map(_read, body), Counter())

    def dead(part: ast.stmt) -> bool:
        plain = isinstance(part, ast.Assign) and all(isinstance(target, ast.Name) for target in part.targets)
        unread = plain and not any(target.id in read for target in part.targets)  # type: ignore[attr-defined]
        called = (node.func for node in _parts(part) if isinstance(node, ast.Call))
        return unread and all(getattr(func, "attr", getattr(func, "id", "")) in PURE for func in called)

    kept = [part for part in body if not dead(part)]
    return _without_dead(kept) if len(kept) < len(body) else kept or [ast.Pass()]
