"""Find configuration files: `--config NAME` means `configs/NAME` where no such path exists."""

import difflib
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lightning_modules.training.older_versions import current_method
from recipes.command_line.usage_error import UsageError
from recipes.command_line.words import CONFIG_OPTIONS, config_files, with_values

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS, RECIPES = REPOSITORY / "configs", REPOSITORY / "recipes"
TRAIN = RECIPES / "train.py"


def known_configs() -> list[str]:
    """List the names that `--config` looks up."""
    return sorted(str(p.relative_to(CONFIGS)) for p in CONFIGS.rglob("*.yaml"))


def find_config(name: str) -> str:
    """Find the path of a configuration file.

    Args:
        name: a path, or a file under `configs/`, with or without `.yaml`.

    Raises:
        UsageError: there is no such file (the message suggests the nearest names), or it is not YAML.
    """
    candidates = [Path(name), CONFIGS / name, CONFIGS / f"{name}.yaml"]
    for path in candidates:
        if path.is_file():
            return _updated(path, _read_yaml(path))
    known = known_configs()
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
    raise UsageError(f"no configuration file {name!r}, neither as a path nor in {CONFIGS.name}/; {hint}")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no options: expected lines such as 'trainer: ...'")
    return content


@cache
def _copies() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="configs_")  # removed at the end of the program


def _updated(path: Path, content: dict[str, Any]) -> str:
    """Return the path, or that of a copy if the file names its method as an older version did."""
    model = content.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("init_args"), dict):
        return str(path)
    class_path, options = current_method(str(model.get("class_path")), model["init_args"])
    if options == model["init_args"]:
        return str(path)
    folder = Path(_copies().name)
    copy = folder / f"{len(list(folder.iterdir()))}_{path.name}"
    copy.write_text(
        yaml.safe_dump(content | {"model": {**model, "class_path": class_path, "init_args": options}})
    )
    return str(copy)


def resolve_configs(argv: list[str]) -> list[str]:
    """Replace the value of each `--config` (or `-c`) by the path of the file that it means."""
    return with_values(
        argv, lambda option, name: find_config(name) if name and option in CONFIG_OPTIONS else None
    )


def replaced_callbacks(argv: list[str]) -> list[str]:
    """Describe each configuration whose callbacks replace those of an earlier one, in a sentence.

    Lists replace each other in a merge; `callbacks+:` adds, and `callbacks: null` says that none are wanted.

    Args:
        argv: as `resolve_configs` returns it.
    """
    before: list[str] = []
    sentences = []
    for file in config_files(argv):
        trainer = (yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}).get("trainer")
        trainer = trainer if isinstance(trainer, dict) else {}
        names = [_class_name(one) for one in _as_list(trainer.get("callbacks"))]
        if gone := [name for name in before if names and name not in names]:
            sentences.append(
                f"{file}: its trainer.callbacks replace those of the configurations before it, "
                f"so there is no {', '.join(gone)}; write `callbacks+:` to add to them"
            )
        if "callbacks" in trainer:
            before = names
        before = before + [_class_name(one) for one in _as_list(trainer.get("callbacks+"))]
    return sentences


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _class_name(callback: object) -> str:
    path = callback.get("class_path") if isinstance(callback, dict) else callback
    return str(path).rpartition(".")[2]
