"""Interpret the text of a cell: unknown, a number, or a class that looks like another."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

MISSING = frozenset({"", "nan", "-nan", "<na>", "na", "n/a", "#n/a", "none", "null", "-1", "-1.0"})
"""Cells, in lower case, that mean an unknown value, unless a class has this name."""

_NUMBER = re.compile(r"[+-]?(\d{1,300})(\.\d{0,300})?", re.ASCII)
_SAME = {"yes": "true", "y": "true", "1": "true", "no": "false", "n": "false", "0": "false"}


def normalize(text: str) -> str:
    """Return the text in Unicode's NFC form, without surrounding white space."""
    return unicodedata.normalize("NFC", text).strip()


def is_missing(text: str) -> bool:
    """Return whether a normalised cell is one of the usual words for an unknown value."""
    return text.lower() in MISSING


def sort_classes(classes: Iterable[str]) -> list[str]:
    """Sort class names, as numbers if all are numbers."""
    names = sorted(classes)
    if all(map(_NUMBER.fullmatch, names)):
        names.sort(key=lambda name: (float(name), name))
    return names


def look_alikes(names: Iterable[str]) -> list[list[str]]:
    """Group names that differ only in case, spaces, compatible characters, zeros or the word for a truth.

    Examples are `male` and `Male`; `7`, `07` and `7.0`; `True`, `yes` and `1`.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_essence(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _essence(name: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    if _NUMBER.fullmatch(text):
        whole, _, fraction = text.lstrip("+").partition(".")
        sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        fraction = fraction.rstrip("0")
        text = sign + (digits.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
    return _SAME.get(text, text)
