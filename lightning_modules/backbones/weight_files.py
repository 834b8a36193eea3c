"""Read weights from untrusted files, without running code."""

import pickle
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from storage.checkpoints import WeightsError, reason_of, verify_checksums

State = dict[str, Tensor]


def _array_globals() -> dict[tuple[str, str], Callable[..., Any]]:
    """Map the globals of pickled arrays, under the module paths of numpy 1 and 2, to their objects."""
    reconstruct: Any = np.empty(0).__reduce__()[0]
    scalar: Any = np.float32(0).__reduce__()[0]
    from_buffer: Any = np.empty(0).__reduce_ex__(5)[0]
    allowed: dict[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): str.encode,  # text encodings alone
    }
    for core in ("numpy.core", "numpy._core"):
        allowed[f"{core}.multiarray", "_reconstruct"] = reconstruct
        allowed[f"{core}.multiarray", "scalar"] = scalar
        allowed[f"{core}.numeric", "_frombuffer"] = from_buffer
    return allowed


class ArrayUnpickler(pickle.Unpickler):
    """Unpickle containers of numpy arrays; any other global is refused before it is looked up."""

    allowed = _array_globals()

    def find_class(self, module: str, name: str) -> Any:
        """Return the global if a pickled array needs it; otherwise raise UnpicklingError that names it."""
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, and only arrays are allowed")
        return self.allowed[module, name]


def _read_pickle(path: Path) -> State:
    with path.open("rb") as file:
        arrays = ArrayUnpickler(file, encoding="latin1").load()
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def _read_torch(path: Path) -> State:
    verify_checksums(path)
    return torch.load(path, map_location="cpu", weights_only=True)


_READERS: dict[str, Callable[[Path], State]] = {
    ".pkl": _read_pickle,
    ".pth": _read_torch,
    ".pt": _read_torch,
    ".safetensors": load_file,
}


def existing_file(path: str | Path) -> Path:
    """Return the path of an existing file.

    Raises:
        WeightsError: there is no such file.
    """
    if not Path(path).is_file():
        raise WeightsError(f"{path}: there is no such weights file")
    return Path(path)


def read_state(path: str | Path) -> State:
    """Read the tensors, by name, of a `.pkl` (dict of arrays), `.pth`, `.pt` or `.safetensors` file.

    Raises:
        WeightsError: no such file, another kind of file, a damaged one, values that are not tensors, or not
            finite.
    """
    path = existing_file(path)
    if path.suffix not in _READERS:
        raise WeightsError(f"{path}: weights are read from {', '.join(_READERS)} files")
    try:
        state = dict(_READERS[path.suffix](path))
    except Exception as error:  # damaged bytes make the readers raise nearly anything
        raise WeightsError(f"{path}: not a readable state dict ({reason_of(error)})") from error
    for name, tensor in state.items():
        if not isinstance(tensor, Tensor):
            raise WeightsError(
                f"{path}: {name} is a {type(tensor).__name__}; expected a flat dict of tensors"
            )
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{path}: {name} holds values that are not finite")
    return state


def load_exactly(network: nn.Module, state: State, path: str | Path) -> None:
    """Load a state dict that holds all tensors of the network and no others.

    Only BatchNorm's `num_batches_tracked` may be missing: files from before torch had it are in use.

    Raises:
        WeightsError: names or shapes differ.
    """
    expected = network.state_dict()
    missing = [n for n in expected if n not in state and not n.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in expected]
    shapes = [n for n, t in state.items() if n in expected and t.shape != expected[n].shape]
    faults = [("missing", missing), ("unexpected", unexpected), ("of another shape", shapes)]
    if any(names for _, names in faults):
        listed = "; ".join(f"{len(names)} {what} ({_first(names)})" for what, names in faults if names)
        raise WeightsError(f"{path}: not the weights of this network: {listed}")
    network.load_state_dict(state, strict=False)


def _first(names: Collection[str]) -> str:
    return ", ".join(list(names)[:3]) + (", ..." if len(names) > 3 else "")
