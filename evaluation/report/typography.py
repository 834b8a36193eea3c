"""Typography of a page: arrows and minus signs for the characters that files and terminals have."""

import re

_POWER = re.compile(r"\b1e-([1-9])\b")
_MINUS = re.compile(r"(?<![^\s\[(,/])-(?=\.?\d)")  # before a number, not inside a name or a date


def typographic(text: str) -> str:
    """Replace ` -> ` by an arrow, the hyphen before a number by a minus sign, `1e-3` by a power of ten."""
    text = _POWER.sub(lambda found: "10⁻" + "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(found[1])], text)
    return _MINUS.sub("−", text.replace(" -> ", " → "))
