"""Immutable records, NamedTuples and frozen dataclasses, as JSON, and the identity by which stored results are found.

A record is identified by those of its fields that differ from their defaults, by name. So a field that is added with a
default, or a module or class that gets another name, leaves the identity of older records as it was. Only a record that
stands in a field of another one carries the name of its class, since two classes may have nothing but defaults.
"""

import dataclasses

import numpy as np

_NONE = object()  # no default


def is_record(value):
    """Return whether ``value`` is a NamedTuple or an instance of a dataclass."""
    return hasattr(value, "_asdict") or (dataclasses.is_dataclass(value) and not isinstance(value, type))


def plain(value):
    """Return records, tuples and arrays in ``value`` as JSON values, with every field."""
    if is_record(value):
        return {"record": type(value).__name__} | {name: plain(item) for name, item, _ in _fields(value)}
    return _items(value, plain)


def identity(record):
    """Return the fields of a record that differ from their defaults, by name, as JSON values.

    >>> from typing import NamedTuple
    >>> class Walk(NamedTuple):
    ...     steps: int
    ...     length: float = 1.0
    >>> identity(Walk(10)), identity(Walk(10, 2.0))
    ({'steps': 10}, {'steps': 10, 'length': 2.0})
    """
    if not is_record(record):
        return _nested(record)
    found = ((name, _nested(value), default) for name, value, default in _fields(record))
    return {name: value for name, value, default in found if default is _NONE or value != _nested(default)}


def differing(record, stored):
    """Return the names of the fields of ``record`` that are not those in ``stored``, which ``plain`` has made.

    A field that is missing in ``stored`` had its default then.
    """
    result = []
    for name, value, default in _fields(record):
        known = name in stored
        if not (_same(value, stored[name]) if known else default is not _NONE and _nested(value) == _nested(default)):
            result.append(name)
    return result


def matches(record, stored):
    """Return whether ``stored``, which ``plain`` has made of some record, has the fields of ``record``, and no others."""
    return not differing(record, stored) and stored.keys() <= {name for name, _, _ in _fields(record)} | {"record"}


def _same(value, stored):
    if is_record(value):
        return isinstance(stored, dict) and stored.get("record") == type(value).__name__ and matches(value, stored)
    if isinstance(value, (list, tuple)):
        return isinstance(stored, list) and len(value) == len(stored) and all(map(_same, value, stored))
    return plain(value) == stored


def _nested(value):
    return {"record": type(value).__name__} | identity(value) if is_record(value) else _items(value, _nested)


def _items(value, function):
    if isinstance(value, dict):
        return {str(name): function(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [function(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _fields(record):
    """Return (name, value, default) of each field."""
    if hasattr(record, "_asdict"):
        defaults = type(record)._field_defaults
        return [(name, value, defaults.get(name, _NONE)) for name, value in record._asdict().items()]
    return [(field.name, getattr(record, field.name), _default(field)) for field in dataclasses.fields(record)]


def _default(field):
    if field.default is not dataclasses.MISSING:
        return field.default
    return _NONE if field.default_factory is dataclasses.MISSING else field.default_factory()
