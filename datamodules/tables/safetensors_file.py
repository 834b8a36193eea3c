"""Writes safetensors files as other files are written: by the umask, and with the system's errors."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a file at once or not at all.

    Raises:
        OSError: as of any file, such as on a full disk; it names the path.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.touch()
        mode = part.stat().st_mode & 0o777  # as the umask says; the library makes a file of mode 0600
        save_file(dict(tensors), part, metadata=metadata)
        part.chmod(mode)
        part.replace(path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
    finally:
        part.unlink(missing_ok=True)
