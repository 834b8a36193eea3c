"""Frames that the tests of several plots draw."""

import pandas as pd
import pytest


@pytest.fixture
def leakage_frame():
    """Two representations, two attributes, two attackers; the MLP is the stronger one everywhere but once."""
    rows = [
        (name, attribute, attacker, scaling, value - 0.1 * (scaling == "raw"), chance)
        for name, attribute, chance, values in (
            ("x", "emotion", 0.25, (0.8, 0.9)),
            ("phi", "emotion", 0.25, (0.5, 0.4)),
            ("x", "male", 0.5, (0.7, 0.98)),
            ("phi", "male", 0.5, (0.55, 0.6)),
        )
        for attacker, value in zip(("linear", "mlp"), values, strict=True)
        for scaling in ("standardised", "raw")
    ]
    columns = ["representation", "attribute", "attacker", "scaling", "balanced_accuracy", "chance"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(low=frame["balanced_accuracy"] - 0.03, high=frame["balanced_accuracy"] + 0.02)


@pytest.fixture
def rates_frame():
    """Error rates whose lines cross half-way between two thresholds, at 0.3 and an EER of 0.15."""
    curve = {"threshold": [0.0, 0.2, 0.4, 0.6], "fmr": [1.0, 0.3, 0.0, 0.0], "fnmr": [0.0, 0.1, 0.2, 1.0]}
    x = pd.DataFrame(curve)
    phi = x.assign(fmr=[1.0, 0.8, 0.01, 0.001], fnmr=[0.0, 0.2, 0.6, 0.9])
    return pd.concat([x.assign(representation="x"), phi.assign(representation="phi")], ignore_index=True)
