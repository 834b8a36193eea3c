"""Lists on the command line: `a,b` and `[a,b]` mean the same."""

import types
from collections.abc import Iterable, Sequence
from importlib import import_module
from inspect import getmro
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from recipes.command_line.words import config_files, given_options, with_values

_PLAIN = (str, int, float)


def is_list_of_words(hint: object) -> bool:
    """Return whether a type is a list of words or numbers (or null), so that no plain text can be meant."""
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return len(kinds) == 1 and is_list_of_words(kinds[0])
    inner = get_args(hint)
    return get_origin(hint) in (list, Sequence) and (
        inner[0] in _PLAIN or get_origin(inner[0]) is Literal or _is_restricted(inner[0])
    )


def is_word_or_list(hint: object) -> bool:
    """Return whether a type is one word or a list of words, such as an attribute or several."""
    kinds = set(get_args(hint)) - {type(None)}
    return get_origin(hint) in (Union, types.UnionType) and kinds == {str, list[str]}


def _is_restricted(kind: object) -> bool:
    """Return whether a type is a restricted word or number of jsonargparse, such as PositiveInt."""
    return isinstance(kind, type) and issubclass(kind, _PLAIN)


def bracket_lists(words: Sequence[str], hints: dict[str, Any]) -> list[str]:
    """Write `a,b` as `[a,b]` on a command line where an option takes a list.

    Args:
        words: of the command line; names of configurations are paths by now.
        hints: the type of each option, by dotted name. Those of the method and the dataset are looked up.
    """

    def bracketed(option: str, value: str | None) -> str | None:
        if (
            not option.startswith("--")
            or value in (None, "", "null")
            or value.startswith(("[", "--", '"', "'"))
        ):
            return None
        name = option.removeprefix("--")
        hint = hints.get(name) or _hint_of_class(name, words)
        listed = is_list_of_words(hint) or ("," in value and is_word_or_list(hint))
        return f"[{value}]" if listed else None

    return with_values(words, bracketed)


def _hint_of_class(name: str, words: Sequence[str]) -> object:
    """Find the type of an argument of the method or dataset that the words or files name."""
    kind, _, argument = name.partition(".")
    if kind not in ("model", "data") or not argument:
        return None
    path = _class_path(kind, words)
    module, _, attribute = (path or "").rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
        for one in getmro(found):
            if "__init__" in vars(one):
                hints = get_type_hints(vars(one)["__init__"])
                if (hint := hints.get(argument.removeprefix("init_args."))) is not None:
                    return hint
    except (ImportError, AttributeError, ValueError, NameError, TypeError):
        pass  # the parser reports the error
    return None


def _class_path(kind: str, words: Sequence[str]) -> str | None:
    in_files = [_in_file(Path(file), kind) for file in config_files(words) if Path(file).is_file()]
    named = [
        value for option, value in given_options(words) if option in (f"--{kind}", f"--{kind}.class_path")
    ]
    found = [path for path in (*in_files, *named) if path]  # the command line wins over files
    return found[-1] if found else None


def _in_file(file: Path, kind: str) -> str | None:
    section: Iterable[Any] = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get(kind) or {}
    return section.get("class_path") if isinstance(section, dict) else None
