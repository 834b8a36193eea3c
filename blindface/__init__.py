"""Audit embeddings for what they reveal, and erase attributes from them, on arrays.

>>> from blindface import audit, erase
>>> leace = erase(x[train], gender[train])
>>> after = {"leace": leace.transform(x)}
>>> result = audit(x, {"gender": gender}, subjects=subjects, splits=splits, after=after)
>>> print(result.verdict())

Names are imported when they are first used, so that `import blindface` costs no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blindface.array_audit import audit
    from blindface.audit_result import AuditResult
    from blindface.eraser import Eraser, erase
    from blindface.metric_frames import metric_frame

_MODULES = {
    "audit": "array_audit",
    "erase": "eraser",
    "metric_frame": "metric_frames",
    "AuditResult": "audit_result",
    "Eraser": "eraser",
}

__all__ = ["AuditResult", "Eraser", "audit", "erase", "metric_frame"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
