"""Classes and options of methods as older checkpoints and configurations name them."""

from collections.abc import Mapping
from typing import Any

_LNTL = "lightning_modules.lntl.LNTL"
_SENSITIVENETS = "lightning_modules.sensitivenets.SensitiveNets"
_OURS = {
    _LNTL: {"refresh_steps": 0, "pretrain_epochs": 0, "schedule": "constant"},
    _SENSITIVENETS: {"init": "random", "keep": "triplets", "refresh_steps": 0},
}
"""The options that were of the published classes and are of our variants now, with their defaults."""
_VARIANTS = {
    _LNTL: "lightning_modules.lntl_variant.LNTLVariant",
    _SENSITIVENETS: "lightning_modules.sensitivenets_variant.SensitiveNetsVariant",
}
_JOINT = "lightning_modules.lntl_joint.LNTLJoint"


def current_method(class_path: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Translate the class and the options of a method, as any version stored them, into those of this one.

    The classes of LNTL and SensitiveNets once held our variants too: `scheme: joint` is `LNTLJoint` now, and
    a class whose options of ours are not all at their defaults is the variant's. The option `stage` of LNTL
    is `feature_layer` now. All others are returned as they are.
    """
    options = dict(options)
    ours = _OURS.get(class_path, {})
    joint = False
    if class_path == _LNTL:
        joint = options.pop("scheme", "official") == "joint"
        if "stage" in options:
            options["feature_layer"] = options.pop("stage")
    if joint:
        return _JOINT, options
    if any(options.get(name, default) != default for name, default in ours.items()) or (
        class_path == _SENSITIVENETS and options.get("target") == "uniform"
    ):
        return _VARIANTS[class_path], options
    return class_path, {name: value for name, value in options.items() if name not in ours}
