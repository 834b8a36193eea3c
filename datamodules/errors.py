"""Errors that a recipe reports in a few lines, without a traceback, because the user can correct them."""

from collections.abc import Sequence


def visible(text: str) -> str:
    """Escape every character that does not print, except line breaks."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


class DatasetError(Exception):
    """The data are missing, damaged or not what the configuration asks for; the message says what to do."""


def first_names(names: Sequence[str], count: int = 5) -> str:
    """List the first `count` of `names` for a message, with "..." if there are more."""
    return ", ".join(map(visible, names[:count])) + (", ..." if len(names) > count else "")
