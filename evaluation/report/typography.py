"""Typography of a page: arrows and minus signs for the characters that files and terminals have."""

import re

_MINUS = re.compile(r"(?<![^\s\[(,/])-(?=\.?\d)")  # before a number, not inside a name or a date


def typographic(text: str) -> str:
    """Replace ` -> ` by an arrow and the hyphen before a number by a minus sign."""
    return _MINUS.sub("−", text.replace(" -> ", " → "))
