"""Checkpoint files: written whole or not at all, and checked when they are read."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from lightning_modules.backbones.weight_files import WeightsError, verify_checksums


def replace_file(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Replace a file at once: written beside it, synced to the disk, then renamed.

    A process that is killed at any point, or a full disk, leaves the old file whole.

    Args:
        path: the file.
        write: writes the content to an open file.

    Raises:
        OSError: such as on a full disk; it names the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with open(part, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        for reason in (error, error.__context__):  # torch.save makes a RuntimeError of the file's own error
            if isinstance(reason, OSError) and reason.errno and not reason.filename:
                raise OSError(reason.errno, reason.strerror, str(path)) from error
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too, outlasts a power cut
    finally:
        os.close(folder)


class SafeCheckpointIO(TorchCheckpointIO):
    """Lightning's, which writes to the temporary folder and copies from there if that is another device.

    A process that is killed while it copies leaves half a checkpoint in place of a whole one. Here the file
    is written beside its target and renamed. What is read is compared with the checksums in the file.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint file, at once or not at all."""
        if storage_options is not None:
            raise TypeError(f"{type(self).__name__} takes no storage_options")
        replace_file(Path(path), lambda file: torch.save(checkpoint, file))

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any = lambda storage, _: storage,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read a checkpoint file.

        Raises:
            WeightsError: its bytes are not those that were written.
        """
        try:
            verify_checksums(Path(path))
        except zipfile.BadZipFile as error:
            raise WeightsError(f"{path} is damaged: {error}") from error
        return super().load_checkpoint(path, map_location, weights_only)
