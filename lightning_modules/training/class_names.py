"""Check that weights were trained on the classes of the data."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from storage.checkpoints import WeightsError

_LONGEST = 4  # names of a message


def check_classes(
    checkpoint: Mapping[str, Any],
    attributes: Mapping[str, Sequence[str]],
    used: Collection[str],
    roles: Mapping[str, Any],
    what: str,
) -> None:
    """Refuse weights of other classes, or of the same in another order, which would permute the outputs.

    Args:
        checkpoint: a Lightning checkpoint, whose hyper-parameters name the classes that it used.
        attributes: class names of the data.
        used: the attributes that the module to be loaded uses.
        roles: the attribute of each role in the module, such as {"task": "smiling"}.
        what: name of the checkpoint in messages.

    Raises:
        WeightsError: one line that names both.
    """
    stored = checkpoint.get("hyper_parameters")
    stored = stored if isinstance(stored, dict) else {}
    for role, name in roles.items():
        if role in stored and _text(stored[role]) != _text(name):
            raise WeightsError(
                f"{what} was trained with {role} {_text(stored[role])}, and here {role} is {_text(name)}"
            )
    classes = stored.get("attributes")
    classes = classes if isinstance(classes, dict) else {}
    for name in sorted(set(used) & classes.keys()):
        then, now = ([str(x) for x in names] for names in (classes[name], attributes[name]))
        if then == now:
            continue
        how = (
            "the same names in another order; bring those of the data into the order of the training"
            if sorted(then) == sorted(now)
            else "give it data of its own classes"
        )
        raise WeightsError(
            f"{what} was trained on the classes {_listed(then, now)} of {name}, and the data have "
            f"{_listed(now, then)}: {how}"
        )


def _text(names: Any) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list | tuple) else str(names)


def _listed(names: Sequence[str], others: Sequence[str]) -> str:
    """Format names in brackets; of many, those from the first difference on."""
    if len(names) <= _LONGEST:
        return f"({', '.join(names)})"
    pairs = zip(names, others, strict=False)
    first = next((k for k, (one, other) in enumerate(pairs) if one != other), min(len(names), len(others)))
    shown = [*(["..."] if first else []), *names[first : first + _LONGEST - 1]]
    return f"({', '.join(shown)}, ...: {len(names)})"
