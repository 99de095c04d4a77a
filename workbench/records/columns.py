"""Records as Parquet columns: the same fields, nested records as structs, free-form values as JSON text."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pyarrow as pa

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), dict: pa.string(),
}  # fmt: skip
Pack = Callable[[Any], Any]


@cache
def arrow_schema(kind: type) -> pa.Schema:
    """Returns the columns of a record's class, in the order of its fields.

    >>> from workbench.records import Step
    >>> arrow_schema(Step).names
    ['role', 'text']
    """
    hints = get_type_hints(kind)
    return pa.schema([pa.field(item.name, _arrow_type(hints[item.name])) for item in fields(kind)])


def pack(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """Returns a record's plain values with every free-form dict as JSON text, for `arrow_schema`."""
    return _converted(kind, values, _to_text)


def unpack(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """Undoes `pack`; a free-form value that is no text stays as it is.

    Raises:
        msgspec.DecodeError: where a text is not JSON.
    """
    return _converted(kind, values, _from_text)


def _to_text(value: Any) -> Any:
    return msgspec.json.encode(value).decode()


def _from_text(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str) else value


def _arrow_type(hint: Any) -> pa.DataType:
    hint = _without_none(hint)
    origin = get_origin(hint)
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(_arrow_type(get_args(hint)[0]))
    if is_dataclass(hint):
        return pa.struct(list(arrow_schema(hint)))  # type: ignore[arg-type]
    return _SCALARS[origin or hint]


def _converted(kind: type, values: dict[str, Any], convert: Pack) -> dict[str, Any]:
    """Changes the values in place: they were made for this call."""
    for name, inner in _free_form(kind).items():
        value = values.get(name)
        if value is None:
            continue
        if inner is None:
            values[name] = convert(value)
        elif isinstance(value, dict):
            _converted(inner, value, convert)
        elif isinstance(value, list):
            for item in value:
                _converted(inner, item, convert)
    return values


@cache
def _free_form(kind: type) -> dict[str, type | None]:
    """The fields that hold free-form dicts (``None``), or records that do (their class)."""
    found: dict[str, type | None] = {}
    for name, hint in get_type_hints(kind).items():
        hint = _without_none(hint)
        hint = get_args(hint)[0] if get_origin(hint) is tuple else hint
        if (get_origin(hint) or hint) is dict:
            found[name] = None
        elif is_dataclass(hint) and _free_form(hint):  # type: ignore[arg-type]
            found[name] = hint  # type: ignore[assignment]
    return found


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in {Union, types.UnionType}:
        return next(inner for inner in get_args(hint) if inner is not type(None))
    return hint
