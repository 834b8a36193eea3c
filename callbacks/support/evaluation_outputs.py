"""Check the outputs of a module's evaluation steps."""

from typing import Any

from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.utilities.exceptions import MisconfigurationException


def check_outputs(
    callback: Callback, module: LightningModule, outputs: Any, names: tuple[str, str], instead: str
) -> None:
    """Raise MisconfigurationException unless an evaluation step returned a dict that holds `names`.

    Args:
        callback: the callback that needs them.
        module: the module of the step.
        outputs: the output of the step.
        names: keys that the callback needs.
        instead: the kind of module that returns them.
    """
    if not isinstance(outputs, dict) or not set(names) <= outputs.keys():
        raise MisconfigurationException(
            f"{type(callback).__name__} needs the evaluation steps of {type(module).__name__} to return "
            f"{names[0]!r} and {names[1]!r}; remove the callback or use {instead}"
        )
