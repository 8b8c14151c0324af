"""Errors that are one line: in a notebook they are shown without a traceback."""


class OneLine(Exception):
    """Base of errors whose message says all: what is wrong, where, and what to do."""

    def _render_traceback_(self):  # IPython shows this in place of the traceback
        return [f"{type(self).__name__}: {self}"]
