"""Methods as older checkpoints and configurations name them."""

from importlib import import_module
from typing import Any

import pytest

from lightning_modules.training.older_versions import current_method

LNTL, SENSITIVENETS = "lightning_modules.lntl.LNTL", "lightning_modules.sensitivenets.SensitiveNets"
PUBLISHED: dict[str, Any] = {
    "scheme": "official", "refresh_steps": 0, "pretrain_epochs": 0, "schedule": "constant", "stage": "relu2",
}  # fmt: skip
OURS = {"refresh_steps": 0, "pretrain_epochs": 0, "schedule": "constant", "feature_layer": "relu2"}
TRIPLETS = {"target": "sad", "init": "random", "keep": "triplets", "refresh_steps": 0}
EVEN, IDENTITY = {**TRIPLETS, "target": "uniform"}, {**TRIPLETS, "init": "identity"}


@pytest.mark.parametrize(
    ("class_path", "options", "name", "expected"),
    [
        (LNTL, PUBLISHED, "LNTL", {"feature_layer": "relu2"}),
        (LNTL, {"lambda_": 0.3, "feature_layer": None}, "LNTL", {"lambda_": 0.3, "feature_layer": None}),
        (LNTL, {**PUBLISHED, "refresh_steps": 2}, "LNTLVariant", {**OURS, "refresh_steps": 2}),
        (LNTL, {**PUBLISHED, "scheme": "joint"}, "LNTLJoint", OURS),
        (SENSITIVENETS, TRIPLETS, "SensitiveNets", {"target": "sad"}),
        (SENSITIVENETS, EVEN, "SensitiveNetsVariant", EVEN),
        (SENSITIVENETS, IDENTITY, "SensitiveNetsVariant", IDENTITY),
        ("lightning_modules.end.EnD", {"alpha": 0.2, "stage": 3}, "EnD", {"alpha": 0.2, "stage": 3}),
    ],
)
def test_older_names_are_those_of_today(class_path, options, name, expected):
    found, translated = current_method(class_path, options)
    module, _, kind = found.rpartition(".")
    assert getattr(import_module(module), kind).__name__ == name
    assert translated == expected
    assert current_method(found, translated) == (found, translated), "today's are left as they are"
