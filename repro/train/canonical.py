"""One canonical JSON form for nested frozen dataclasses, read back with every type checked."""

from __future__ import annotations

import types
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def as_json(value: Any) -> Any:
    """Dataclasses as objects with their class under `kind`, tuples as lists; fields at their default are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        form: dict[str, Any] = {"kind": type(value).__name__}
        for entry in fields(value):
            content = getattr(value, entry.name)
            if content != _default(entry):
                form[entry.name] = as_json(_number(content, hints[entry.name]))
        return form
    if isinstance(value, tuple):
        return [as_json(item) for item in value]
    return value


def from_json(expected: type[T], form: Any) -> T:
    """The value of type `expected` whose canonical form is `form`.

    Raises:
        ValueError: a field is unknown, missing or of the wrong type.
    """
    value: T = _read(expected, form, getattr(expected, "__name__", str(expected)))
    return value


def _read(expected: Any, form: Any, where: str) -> Any:
    origin = get_origin(expected)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(expected), form, where)
    if origin is Literal:
        return _checked(form in get_args(expected), form, f"one of {get_args(expected)}", where)
    if origin is tuple:
        _checked(isinstance(form, list), form, "a list", where)
        return tuple(_read(get_args(expected)[0], item, f"{where}[{i}]") for i, item in enumerate(form))
    if is_dataclass(expected):
        return _read_dataclass(expected, form, where)
    if expected is float:
        return float(_checked(type(form) in (int, float), form, "a number", where))
    return _checked(type(form) is expected, form, getattr(expected, "__name__", str(expected)), where)


def _read_union(members: tuple[Any, ...], form: Any, where: str) -> Any:
    if form is None and type(None) in members:
        return None
    kinds = [member for member in members if member is not type(None)]
    if isinstance(form, dict):
        named = {kind.__name__: kind for kind in kinds}
        _checked(form.get("kind") in named, form.get("kind"), f"one of {', '.join(named)}", f"{where}.kind")
        return _read(named[form["kind"]], form, where)
    _checked(len(kinds) == 1, form, "a table that names its kind", where)
    return _read(kinds[0], form, where)


def _read_dataclass(expected: Any, form: Any, where: str) -> Any:
    _checked(isinstance(form, dict) and form.get("kind") == expected.__name__, form, expected.__name__, where)
    hints = get_type_hints(expected)
    known = {entry.name for entry in fields(expected)}
    content = {name: item for name, item in form.items() if name != "kind"}
    _checked(set(content) <= known, sorted(set(content) - known), f"no field but {sorted(known)}", where)
    try:
        return expected(**{name: _read(hints[name], item, f"{where}.{name}") for name, item in content.items()})
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def _number(content: Any, expected: Any) -> Any:
    """An integer given where a float is meant is that float, so that 1 and 1.0 are one spec."""
    wants_float = expected is float or float in get_args(expected)
    return float(content) if wants_float and type(content) is int else content


def _default(entry: Field[Any]) -> Any:
    if entry.default_factory is not MISSING:
        return entry.default_factory()
    return entry.default


def _checked(holds: bool, form: Any, rule: str, where: str) -> Any:
    if not holds:
        raise ValueError(f"{where}={form!r} must be {rule}.")
    return form
