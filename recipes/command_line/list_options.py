"""Lists on the command line: `a,b` and `[a,b]` mean the same."""

import types
from collections.abc import Iterable, Sequence
from importlib import import_module
from inspect import getmro
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

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
    result = list(words)
    for place, word in enumerate(words):
        option, equals, value = word.partition("=")
        name = option.removeprefix("--")
        if not option.startswith("--") or (not equals and place + 1 == len(words)):
            continue
        value = value if equals else words[place + 1]
        if value.startswith(("[", "--", '"', "'")) or value in ("", "null"):
            continue
        hint = hints.get(name) or _hint_of_class(name, words)
        if not is_list_of_words(hint) and not ("," in value and is_word_or_list(hint)):
            continue
        if equals:
            result[place] = f"{option}=[{value}]"
        else:
            result[place + 1] = f"[{value}]"
    return result


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
    found = None
    for place, word in enumerate(words):
        option, equals, value = word.partition("=")
        value = value if equals else next(iter(words[place + 1 : place + 2]), "")
        if option in ("--config", "-c") and Path(value).is_file():
            found = _in_file(Path(value), kind) or found
    for place, word in enumerate(words):  # the command line wins over files
        option, equals, value = word.partition("=")
        value = value if equals else next(iter(words[place + 1 : place + 2]), "")
        if option in (f"--{kind}", f"--{kind}.class_path"):
            found = value
    return found


def _in_file(file: Path, kind: str) -> str | None:
    section: Iterable[Any] = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get(kind) or {}
    return section.get("class_path") if isinstance(section, dict) else None
