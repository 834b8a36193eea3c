"""The weights of another training's checkpoint, to start from."""

import pickle
from pathlib import Path

import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn


def load_weights(module: nn.Module, path: str, *, may_lack: str) -> None:
    """Copy the weights of a Lightning checkpoint into a module.

    Args:
        module: gets them.
        path: of the checkpoint.
        may_lack: beginning of the names of weights that the checkpoint need not have.

    Raises:
        MisconfigurationException: the file is missing or damaged, or its weights are not those of the module.
    """
    if not Path(path).expanduser().is_file():
        raise MisconfigurationException(f"start_from: there is no checkpoint {path}")
    try:
        weights = torch.load(Path(path).expanduser(), map_location="cpu", weights_only=True)["state_dict"]
        missing, unexpected = module.load_state_dict(weights, strict=False)
    except (OSError, EOFError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        first = str(error).strip().splitlines()[0]
        raise MisconfigurationException(
            f"start_from: {path} is damaged or of another model ({first})"
        ) from error
    if strange := [*unexpected, *(name for name in missing if not name.startswith(may_lack))]:
        raise MisconfigurationException(
            f"start_from: {path} is of another model; {strange[0]} is not in both"
        )
