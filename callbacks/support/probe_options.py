"""Check the options of the callbacks that train probes."""

from evaluation.probes.attacker_table import FAMILIES, Family


def check_probe_options(attributes: list[str], families: list[Family], max_samples: int) -> None:
    """Raise ValueError unless there are attributes, none of them the identity, and known families."""
    if not attributes or len(set(attributes)) < len(attributes):
        raise ValueError(f"attributes must be different names, at least one, got {attributes}")
    if "identity" in attributes:
        raise ValueError("identity cannot be probed across subjects; use callbacks.verification.Verification")
    if not families or not set(families) <= set(FAMILIES):
        raise ValueError(f"families must be some of {', '.join(FAMILIES)}; got {families}")
    if max_samples < 2:
        raise ValueError(f"max_samples must be at least 2, got {max_samples}")
