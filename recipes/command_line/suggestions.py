"""Add "did you mean" suggestions to error messages about unknown names."""

import difflib
import re
from collections.abc import Iterable
from importlib import import_module
from inspect import Parameter, getmro, isclass, signature

_OPTION = re.compile(r"unrecognized arguments: --(?P<name>[\w.+-]+)")
_IN_GROUP = re.compile(r"Group '(?P<group>[\w.]+)' does not accept option '(?P<name>\w+)'")
_OF_CLASS = re.compile(r"(?P<path>[\w.]+): Option '(?P<name>[\w.]+)' is not accepted")
_CHOICE = re.compile(r"Expected a (?:typing\.)?Literal\[(?P<known>[^]]*)\]\.? Got value: (?P<name>[\w.-]+)")
_LISTED = re.compile(
    r"no (?:attribute|class)\w* \[?'?(?P<name>[^';,\]]+)'?\]?;? .*?\b(?:have|has|are) \[?(?P<known>[^;\]]+)"
)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is nearest, if one is near, ignoring case."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def options_of(path: str) -> set[str]:
    """List the arguments of a class and of its bases, to which it may pass them on; empty if unknown."""
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        return set()
    makers = (
        [vars(c)["__init__"] for c in getmro(found)[:-1] if "__init__" in vars(c)]
        if isclass(found)
        else [found]
    )
    named = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return {p.name for m in makers for p in signature(m).parameters.values() if p.kind in named} - {"self"}


def with_suggestion(message: str, options: Iterable[str] = ()) -> str:
    """Add to a message the name that may be meant by the one that it refuses.

    By hand, because jsonargparse and argparse suggest no names: the refused name is found in the text.

    Args:
        message: one line.
        options: of the parsed command line, by dotted name without dashes.
    """
    if "did you mean" in message:
        return message
    near: str | None = None
    if found := _OF_CLASS.search(message):
        near = nearest(found["name"], options_of(found["path"]))
    elif found := _IN_GROUP.search(message):
        near = nearest(f"{found['group']}.{found['name']}", options)
        near = near and near.rpartition(".")[2]
    elif found := _OPTION.search(message):
        near = nearest(found["name"], options)
        near = near and f"--{near}"
    elif found := _CHOICE.search(message) or _LISTED.search(message):
        near = nearest(found["name"], [name.strip(" '\"") for name in found["known"].split(",")])
    return f"{message}; did you mean {near}?" if near else message
