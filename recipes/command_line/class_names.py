"""Look up methods and datasets by their bare names, for `--model` and `--data`, and list them."""

import sys
from collections.abc import Collection, Sequence
from functools import cache
from importlib import import_module
from inspect import getdoc
from typing import NamedTuple

import yaml

from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.suggestions import nearest
from recipes.command_line.words import with_values

_KINDS = {"model": ("methods", "*.yaml"), "data": ("datasets", "data/*.yaml")}


class UnknownClassError(Exception):
    """No shipped configuration uses a class of this name; the message lists the names."""


class KnownClass(NamedTuple):
    """A class, and the shipped configurations that use it."""

    path: str
    configs: list[str]


@cache
def known_classes(kind: str) -> dict[str, KnownClass]:
    """Map bare names to the classes of the shipped configurations; `kind` is `model` or `data`."""
    found: dict[str, KnownClass] = {}
    for file in sorted(CONFIGS.glob(_KINDS[kind][1])):
        section = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get(kind)
        if isinstance(section, dict) and "class_path" in section:
            path = section["class_path"]
            known = found.setdefault(path.rpartition(".")[2], KnownClass(path, []))
            known.configs.append(file.relative_to(CONFIGS).as_posix())
    return found


def describe_classes(kind: str) -> str:
    """Describe each class in two lines: name and configurations, then the summary of its docstring."""
    lines = [f"{_KINDS[kind][0]}, and the configurations that use them; options: --{kind}.help NAME"]
    for name, (path, configs) in sorted(known_classes(kind).items()):
        module, _, attribute = path.rpartition(".")
        about = (getdoc(getattr(import_module(module), attribute)) or "").partition("\n")[0]
        lines += [f"  {name:16s} {', '.join(configs)}", f"  {'':16s} {about}"]
    return "\n".join(lines)


def spell_out_classes(words: Sequence[str], options: Collection[str]) -> list[str]:
    """Replace bare names after --model, --data and their .help on a command line by class paths.

    `.help` without a name prints the list and exits.

    Args:
        words: of the command line.
        options: those that the parser knows; words after other options are left as they are.

    Raises:
        UnknownClassError: a bare name of no method or dataset.
    """
    asked = {f"--{kind}{end}": (kind, end) for kind in _KINDS for end in ("", ".help")}

    def spelled_out(option: str, name: str) -> str | None:
        if option not in asked or f"--{asked[option][0]}.help" not in options:
            return None
        kind, end = asked[option]
        if not name.startswith("--"):
            return _path_of(kind, name)
        if end:
            print(describe_classes(kind))
            sys.exit(0)
        return None

    return with_values([*words, "--"], spelled_out)[:-1]  # a word that ends the last option


def _path_of(kind: str, name: str) -> str:
    if not name.isidentifier():  # a path, or options in braces
        return name
    known = known_classes(kind)
    if name in known:
        return known[name].path
    near = nearest(name, known)
    hint = f"did you mean {near}?" if near else f"there are {', '.join(sorted(known))}"
    raise UnknownClassError(f"--{kind}: no {_KINDS[kind][0][:-1]} is called {name}; {hint}")
