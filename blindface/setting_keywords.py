"""Read the settings of an audit from keywords, by the types that the command line reads them with."""

from argparse import ArgumentError
from dataclasses import fields
from difflib import get_close_matches
from inspect import formatannotation
from typing import Any

import numpy as np
from jsonargparse import ArgumentParser

from evaluation.audit.settings import AuditSettings


def make_settings(keywords: dict[str, Any]) -> AuditSettings:
    """Make the settings of an audit.

    Raises:
        TypeError: there is no such setting; names the nearest.
        ValueError: a value of another type, or out of range; one line.
    """
    known = {field.name: field.type for field in fields(AuditSettings)}
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(AuditSettings)
    values = {}
    for name, value in keywords.items():
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"settings are {', '.join(known)}"
            raise TypeError(f"audit has no setting {name!r}; {hint}")
        given = value.item() if isinstance(value, np.generic) else value
        given = list(given) if isinstance(given, tuple) else given
        try:
            values[name] = parser.parse_object({name: given})[name]
        except ArgumentError as error:
            raise ValueError(f"{name} is {value!r}, it must be {formatannotation(known[name])}") from error
    return AuditSettings(**values)
