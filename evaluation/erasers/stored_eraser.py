"""The file of a fitted eraser: safetensors, with its origin and the samples that it learned from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from evaluation.erasers.keyed_noise import key_fingerprint
from evaluation.erasers.matching import Matching
from evaluation.erasers.noise import Noise
from evaluation.erasers.projection import Projection
from evaluation.erasers.router import Router
from evaluation.erasers.transport import Transport
from storage.atomic import write_bytes
from storage.checksums import json_sha256, tensor_sha256

FittedEraser = Projection | Noise | Transport | Matching
_KEY, _VERSION = "eraser", 1
_KINDS: dict[str, type[FittedEraser]] = {
    "projection": Projection,
    "noise": Noise,
    "transport": Transport,
    "matching": Matching,
}
_SAMPLES = "learned_from"


class EraserFileError(ValueError):
    """The file of an eraser is missing, damaged or another kind of file; one line that names it."""


@dataclass(frozen=True, eq=False)
class StoredEraser:
    """A fitted eraser and what its file says of it.

    Args:
        eraser: maps embeddings (N, D) to erased ones.
        provenance: origin: method, options, attribute, table, ...
        learned_from: (M,) str, ids of the samples that it learned from.
    """

    eraser: FittedEraser
    provenance: dict[str, str]
    learned_from: np.ndarray

    @property
    def features(self) -> int:
        """Number of features of the embeddings that it takes."""
        if isinstance(self.eraser, Transport | Matching):
            return len(self.eraser.mean)
        return len(self.eraser.deviation if isinstance(self.eraser, Noise) else self.eraser.center)

    def save(self, path: Path) -> None:
        """Write the file atomically; equal erasers give equal bytes.

        The key of a transport is not written, only a fingerprint, by which `load` tells a wrong key. The
        router of a transport holds embeddings of training samples, so its file is as sensitive as they are.
        """
        kind = next(name for name, cls in _KINDS.items() if type(self.eraser) is cls)
        tensors, values = _flatten(self.eraser)
        key = values.pop("key", None)
        ids = json.dumps(self.learned_from.tolist()).encode()
        tensors[_SAMPLES] = np.frombuffer(ids, np.uint8)
        header = {
            "version": _VERSION,
            "kind": kind,
            "values": values,
            "key": None if key is None else key_fingerprint(key),
            "provenance": self.provenance,
            "sha256": _digest(tensors),
        }
        write_bytes(path, save(tensors, {_KEY: json.dumps(header)}))

    @classmethod
    def load(cls, path: Path, key: str | None = None) -> "StoredEraser":
        """Read and check a file.

        Args:
            path: of the file.
            key: of the noise of a transport, 64 hexadecimal digits; None reads the eraser without it, which
                does for all but the noise.

        Raises:
            EraserFileError: the file is missing, damaged, or no eraser, or the key is another one.
        """
        try:
            with safe_open(path, framework="np") as file:
                header = json.loads((file.metadata() or {})[_KEY])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # a handle
            if header["version"] != _VERSION:
                raise ValueError(f"its version is {header['version']!r}, not {_VERSION}")
            if _digest(tensors) != header["sha256"]:
                raise ValueError("its checksum is not the one that was written")
            if any(tensor.dtype.kind == "f" and not np.isfinite(tensor).all() for tensor in tensors.values()):
                raise ValueError("some of its numbers are not finite")
            samples = np.array(json.loads(tensors.pop(_SAMPLES).tobytes()), np.str_)
            eraser = _build(_KINDS[header["kind"]], tensors, header["values"])
            provenance = {str(name): str(text) for name, text in header["provenance"].items()}
            if isinstance(eraser, Transport) and key is not None:
                eraser = replace(eraser, key=key)
                if key_fingerprint(key) != header["key"]:
                    raise ValueError("the key is not the one that this eraser was fitted with")
        except FileNotFoundError as error:
            raise EraserFileError(f"{path}: no such eraser; write one with recipes/erase.py") from error
        except KeyError as error:
            raise EraserFileError(f"{path}: no fitted eraser, it lacks {error}") from error
        except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            reason = " ".join(str(error).split())
            raise EraserFileError(f"{path}: damaged or no fitted eraser ({reason})") from error
        return cls(eraser, provenance, samples)


def _flatten(state: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Collect arrays, those of a router as `router.name`, and plain values of an eraser."""
    tensors: dict[str, np.ndarray] = {}
    values: dict[str, Any] = {}
    for field in fields(state):
        value = getattr(state, field.name)
        if is_dataclass(value):
            inner, _ = _flatten(value)
            tensors |= {f"{field.name}.{name}": array for name, array in inner.items()}
        elif isinstance(value, np.ndarray):
            tensors[field.name] = np.ascontiguousarray(value)
        else:
            values[field.name] = value
    return tensors, values


def _build(kind: type[FittedEraser], tensors: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> Any:
    """Build an eraser of arrays and plain values; raises ValueError or TypeError if they do not fit."""
    prefix = "router."
    arguments: dict[str, Any] = {
        name: array for name, array in tensors.items() if not name.startswith(prefix)
    }
    arguments |= {name: tuple(x) if isinstance(x, list) else x for name, x in values.items()}
    inner = {name.removeprefix(prefix): x for name, x in tensors.items() if name.startswith(prefix)}
    if kind is Transport:
        arguments |= {"key": None, "router": Router(**inner) if inner else None}
    return kind(**arguments)


def _digest(tensors: Mapping[str, np.ndarray]) -> str:
    """Hash names, types, shapes and numbers."""
    return json_sha256({name: tensor_sha256(torch.from_numpy(x.copy())) for name, x in tensors.items()})
