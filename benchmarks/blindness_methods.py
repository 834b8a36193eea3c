"""The methods that `blindness` compares, and their settings."""

from collections.abc import Callable
from functools import partial
from typing import Any

from evaluation.erasers.inlp import fit_inlp
from evaluation.erasers.leace import fit_leace

ERASERS: dict[str, Callable[..., Any]] = {"leace": fit_leace, "inlp": partial(fit_inlp, iterations=20)}

_PUBLISHED: dict[str, Any] = {
    "target": "one",
    "rounds": 10,
    "steps_per_round": 100,
    "classifier_steps": 100,
}
_OURS: dict[str, Any] = {
    "target": "uniform",
    "init": "identity",
    "keep": "similarities",
    "rounds": 20,
    "steps_per_round": 100,
    "classifier_steps": 100,
    "refresh_steps": 2,
    "warmup_rounds": 0,
}

SUPPRESSORS: dict[str, dict[str, Any]] = {
    "triplets_1": {**_PUBLISHED, "layers": 1, "delta_weight": 0.0},  # controls that hide nothing
    "triplets_3": {**_PUBLISHED, "layers": 3, "delta_weight": 0.0},
    "sensitivenets_1": {**_PUBLISHED, "layers": 1},
    "sensitivenets_3": {**_PUBLISHED, "layers": 3},
    "similarities_0.1": {**_OURS, "delta_weight": 0.1},
    "similarities_0.3": {**_OURS, "delta_weight": 0.3},
    "similarities_1": {**_OURS, "delta_weight": 1.0},
}


def _config(name: str, *options: str) -> list[str]:
    return ["--config", f"{name}.yaml", *options]


CLASSIFIERS: dict[str, list[str]] = {
    "baseline": _config(
        "baseline", "--model.init_args.task", "gender", "--model.init_args.trainable", "last_stage"
    ),
    "lntl": _config("lntl"),
    "lntl_joint": _config("lntl_joint"),
    "dann": _config("dann"),
    "blind_eye": _config("blind_eye"),
    "laftr": _config("laftr"),
    "end": _config("end"),
}
