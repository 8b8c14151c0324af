"""Validation of public arguments: each failure is one ``ValueError`` with name, value and allowed range."""

import math
import numbers

import numpy as np


def number(name, value, low=-math.inf, high=math.inf, *, open_low=False, open_high=False):
    """Return ``value`` as a float within [low, high]; ``open_low``, ``open_high`` exclude the ends."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name} = {value!r}: must be a number{_range(low, high, open_low, open_high)}")
    inside = low <= value <= high and not (open_low and value == low) and not (open_high and value == high)
    if not inside or not math.isfinite(value):
        raise ValueError(f"{name} = {value!r}: must be finite{_range(low, high, open_low, open_high)}")
    return float(value)


def integer(name, value, low=-math.inf, high=math.inf):
    """Return ``value`` as an int within [low, high]."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral) or not low <= value <= high:
        raise ValueError(f"{name} = {value!r}: must be an integer{_range(low, high)}")
    return int(value)


def flag(name, value):
    """Return ``value`` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} = {value!r}: must be True or False")
    return bool(value)


def choice(name, value, options):
    """Return ``value`` if it is one of ``options``."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} = {value!r}: must be one of {', '.join(map(repr, options))}")
    return value


def array(name, value, shape, *, low=-math.inf, high=math.inf, dtype=float):
    """Return ``value`` as a contiguous finite array; ``shape`` has None for any length along an axis."""
    try:
        result = np.ascontiguousarray(value, dtype=dtype)
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {value!r}: must be an array of {np.dtype(dtype)}") from None
    if result.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, result.shape)):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name} of shape {result.shape}: must have shape ({wanted})")
    bad = ~np.isfinite(result) | (result < low) | (result > high)
    if bad.any():
        where = tuple(int(k) for k in np.argwhere(bad)[0])
        raise ValueError(f"{name}[{where}] = {result[where]!r}: must be finite{_range(low, high)}")
    return result


def _range(low, high, open_low=False, open_high=False):
    if low == -math.inf and high == math.inf:
        return ""
    left = "(" if open_low or low == -math.inf else "["
    right = ")" if open_high or high == math.inf else "]"
    return f" in {left}{low:g}, {high:g}{right}"
