"""The time that the steps of an audit take on a reference machine, by section and number of samples.

Only the ratios matter: whoever estimates the time left learns the speed of the machine. Fitted by
`python -m benchmarks.audit_step_costs` on embeddings of 512 numbers.
"""

_REFERENCE = 1000  # samples
_COSTS: dict[str, tuple[float, float]] = {}
"""Section -> seconds for the reference number of samples, and the power of the number that they grow with."""
_OTHER = (2.0, 1.0)  # for sections that were not timed


def expected_seconds(section: str, samples: int) -> float:
    """Return the seconds that a step is expected to take on the reference machine."""
    seconds, power = _COSTS.get(section, _OTHER)
    return float(seconds * (samples / _REFERENCE) ** power)
