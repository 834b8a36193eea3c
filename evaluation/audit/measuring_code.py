"""List the modules whose code decides the numbers of an audit."""

from pathlib import Path

from storage.code_digest import code_digest

MEASURING = (
    "audit/downstream_section.py",
    "audit/drawn_rows.py",
    "audit/identification_section.py",
    "audit/rows.py",
    "audit/sections.py",
    "audit/settings.py",
    "fairness",
    "leakage",
    "probes",
    "samples/arrays.py",
    "samples/audited_samples.py",
    "samples/groupings.py",
    "samples/intervals.py",
    "samples/labelled_samples.py",
    "samples/representations.py",
    "samples/subject_bootstrap.py",
    "samples/subject_folds.py",
    "verification",
)
"""Paths below `evaluation/`; a change of their code invalidates the cache."""

_EVALUATION = Path(__file__).resolve().parents[1]


def measuring_digest() -> str:
    """Hash the code that measures, without wording, plots and docstrings."""
    return code_digest(_EVALUATION, MEASURING)
