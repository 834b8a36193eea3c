"""The input that a weights file states in its metadata."""

import json
from pathlib import Path
from typing import Any, get_args

from safetensors import SafetensorError, safe_open

from lightning_modules.backbones.preprocessing import InputSpec, Normalisation
from storage.checkpoints import WeightsError

_KEY = "preprocessing"
_FIELDS = ("input_size", "channel_order", "normalisation")


def stated_options(path: str | Path) -> dict[str, Any]:
    """Read the fields of `InputSpec` that the metadata of a `.safetensors` file state.

    The entry `preprocessing` is a JSON object with some of `input_size`, `channel_order` and `normalisation`,
    where the last begins with "fixed" or "per-image" and can go on with a formula. Nothing else is read.

    Returns:
        The fields by name; empty for other kinds of files, and without that entry.

    Raises:
        WeightsError: the entry cannot be read, or states an input that is not possible or not known.
    """
    if Path(path).suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(_KEY, "{}")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"{_KEY} is no object")
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: its metadata cannot be read ({error})") from error
    stated = {name: found[name] for name in _FIELDS if name in found}
    if "normalisation" in stated:
        stated["normalisation"] = _first_word(str(stated["normalisation"]))
    try:
        InputSpec(**{"input_size": 1} | stated)
    except (TypeError, ValueError) as error:
        reason = str(error)[:200]
        raise WeightsError(f"{path}: its metadata state an input that is not possible: {reason}") from error
    return stated


def _first_word(normalisation: str) -> str:
    """Return the name of a normalisation that a description begins with, or as much of any other text."""
    words = normalisation.lower().replace("-", "_")
    names = (name for name in get_args(Normalisation) if words.startswith(name))
    return next(names, words[:40])
