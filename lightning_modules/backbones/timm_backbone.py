"""Networks of timm, by name."""

import difflib
from collections.abc import Collection
from typing import Any

import timm
from timm.data import resolve_model_data_config
from timm.models import group_parameters, load_model_config_from_hf

from lightning_modules.backbones.backbone_base import Backbone
from lightning_modules.backbones.preprocessing import InputSpec

HUB = ("hf_hub:", "hf-hub:")
FORBIDDEN_TIMM_OPTIONS = (
    "checkpoint_path",
    "pretrained",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
    "cache_dir",
)
"""Options of timm that name files or addresses, which an untrusted checkpoint must not choose."""


def build_timm(
    name: str, weights: str | None, options: dict[str, Any], *, other_names: Collection[str] = ()
) -> Backbone:
    """Build a timm network without its classifier.

    Args:
        name: a timm name, or `hf_hub:<owner>/<model>`, which always brings its weights.
        weights: "pretrained" fetches timm's own; None leaves random values; "checkpoint" too, for a state
            dict that is loaded afterwards.
        options: keywords of the network, and fields of `InputSpec` that replace those of timm for the
            network.
        other_names: further names to suggest for an unknown one.

    Raises:
        ValueError: an unknown name, an option that the network does not have, other weights.
    """
    if weights not in (None, "pretrained", "checkpoint"):
        raise ValueError(f"weights of {name} are null, random or pretrained, not {weights!r}")
    hub = name.startswith(HUB)
    if not hub and not timm.is_model(name):
        near = difflib.get_close_matches(name, [*timm.list_models(), *other_names], n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise ValueError(f"there is no backbone {name!r}{hint}")
    if named := sorted(set(options) & set(FORBIDDEN_TIMM_OPTIONS)):
        raise ValueError(f"{', '.join(named)}: no option of a backbone; its weights are an argument")
    fields = {key: options.pop(key) for key in InputSpec.__dataclass_fields__ if key in options}
    config = None
    try:
        if hub:  # by its architecture from here on: a checkpoint must not need the hub again
            config, name, arguments = load_model_config_from_hf(name.partition(":")[2])
            options = arguments | options
        network: Any = timm.create_model(
            name, pretrained=hub or weights == "pretrained", pretrained_cfg=config, num_classes=0, **options
        )
    except (TypeError, RuntimeError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"timm cannot build {name} with {options}: {reason}") from error
    stated = resolve_model_data_config(network)
    spec = InputSpec(stated["input_size"][-1], mean=tuple(stated["mean"]), std=tuple(stated["std"]))
    spec = spec.take(fields)
    return Backbone(
        network,
        num_features=getattr(network, "head_hidden_size", network.num_features),
        input_spec=spec,
        last_stage=_last_stage(network),
        recipe={"name": name, "weights": "checkpoint", "options": options | spec.as_options()},
    )


def _last_stage(network: Any) -> list[str]:
    """List the parameters of timm's last coarse group with a weight matrix, and of the norms after it."""
    weights = dict(network.named_parameters())
    groups = group_parameters(network, network.group_matcher(coarse=True))
    names: list[str] = []
    for group in sorted(groups, reverse=True):
        names += groups[group]
        if any(weights[name].ndim > 1 for name in groups[group] if name in weights):
            break
    return [name for name in names if name in weights]
