"""Format numbers and names as text for readers."""

from math import isnan

MISSING = "–"


def printable(text: str) -> str:
    """Replace invisible characters by a space or U+FFFD, so that the text takes one line."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def percent(share: float, digits: int = 1) -> str:
    """Format a share as `41.3 %`; a dash for nan."""
    return MISSING if isnan(share) else f"{100 * share:.{digits}f} %"


def number(value: float, digits: int = 3) -> str:
    """Format a number with a fixed number of decimals; a dash for nan."""
    return MISSING if isnan(value) else f"{value:.{digits}f}"


def short(value: float) -> str:
    """Format a number of any size with three significant digits; a dash for nan."""
    return MISSING if isnan(value) else f"{value:.3g}"


def interval(low: float, high: float, digits: int = 1) -> str:
    """Format an interval of shares in percent as `[39.0, 43.6]`; a dash if an end is nan."""
    return MISSING if isnan(low) or isnan(high) else f"[{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def p_value(p: float) -> str:
    """Format a p-value as `.032` or `< .001`; a dash for nan."""
    if isnan(p):
        return MISSING
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def equals(p: float) -> str:
    """Format a p-value to follow its letter: `= .032` or `< .001`."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"
