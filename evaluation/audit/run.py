"""Run an audit: the leakage of attributes, the cost of hiding them, and the gaps between groups."""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.audit.cache import AuditCache, Frames, fingerprint
from evaluation.audit.choices import choose_representations
from evaluation.audit.leakage_warnings import leakage_warnings
from evaluation.audit.plan import Step, plan
from evaluation.audit.result import Audit, Caveat, reduction_by_attacker
from evaluation.audit.rows import AuditRows, choose_attributes, choose_rows
from evaluation.audit.settings import SPLITS, AuditSettings
from evaluation.audit.step_costs import expected_seconds
from evaluation.leakage.cross_fitted_leakage import strongest_attacker
from evaluation.samples.representations import Representations
from evaluation.samples.wording import percent
from evaluation.verification.listed_pairs import ListedPairs

_PACKAGES = ("numpy", "scikit-learn", "torch")


def run_audit(
    representations: Representations,
    settings: AuditSettings,
    folder: Path,
    on_step: Callable[[Step, float, float], None] = lambda step, done, total: None,
    pairs: Sequence[ListedPairs] = (),
) -> Audit:
    """Measure everything that the settings ask for.

    Args:
        representations: the others are compared with the first.
        settings: options of the audit.
        folder: cache of measurements, from which an interrupted audit resumes.
        on_step: called before each step, with the step, and the expected cost of the steps before it and of
            all steps; what is in the cache costs nothing.
        pairs: listed pairs to verify, of View 1, View 2 or both, as rows of the embeddings.

    Raises:
        ValueError: the settings do not fit the data; the message says why.
    """
    rows = choose_rows(representations, settings)
    attributes, left_out = choose_attributes(representations, settings, rows.tested)
    cache = AuditCache(folder)
    samples = _digest_of_samples(representations, rows)
    embeddings = {name: fingerprint(x) for name, x in representations.embeddings.items()}
    steps = plan(representations, settings, rows, attributes, pairs)
    found: dict[str, list[pd.DataFrame]] = {}
    keys = [_key(step, samples, embeddings) for step in steps]
    costs = [
        0.0 if cache.holds(key) else expected_seconds(step.section, len(rows.tested))
        for step, key in zip(steps, keys, strict=True)
    ]
    for place, (step, key) in enumerate(zip(steps, keys, strict=True)):
        on_step(step, sum(costs[:place]), sum(costs))
        for name, frame in cache.get(key, step.measure).items():
            found.setdefault(name, []).append(_labelled(frame, step))
    frames = {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}
    first = next(iter(representations.embeddings))
    if len(representations.embeddings) > 1:
        frames["removed"] = reduction_by_attacker(frames["leakage"], first)
        if "candidates" in frames:
            frames["selection"] = choose_representations(frames["candidates"], settings.leakage_at_most)
    caveats = [Caveat(text) for text in (*left_out, *_about_subjects(representations, rows))]
    caveats += [Caveat(text) for listed in pairs for text in listed.caveats(representations.split)]
    facts = {f"pairs of View {listed.view}": listed.description for listed in pairs}
    return Audit(
        names=tuple(representations.embeddings),
        attributes=tuple(attributes),
        classes={name: representations.classes[name] for name in attributes},
        frames=frames,
        caveats=[*caveats, *_warnings(frames, representations.embeddings, attributes)],
        settings=asdict(settings),
        facts=_facts(representations, rows, samples, embeddings) | facts | {"date": cache.last_measured()},
    )


def _key(step: Step, samples: str, embeddings: dict[str, str]) -> dict[str, Any]:
    """Collect everything that the frames of a step depend on."""
    data = {"samples": samples, "embedding": embeddings[step.representation]}
    return {**data, "section": step.section, "attribute": step.attribute, **step.options}


def _labelled(frame: pd.DataFrame, step: Step) -> pd.DataFrame:
    """Put the columns of the representation and the attribute in front of a frame."""
    about = {"representation": step.representation, "attribute": step.attribute}
    missing = {k: v for k, v in about.items() if v is not None and k not in frame}
    return pd.concat([pd.DataFrame(missing, index=frame.index), frame], axis=1)


def _about_subjects(representations: Representations, rows: AuditRows) -> list[str]:
    identity = representations.identity[rows.tested]
    unknown = int((identity < 0).sum())
    if not unknown:
        return []
    return [
        f"Of {unknown:,} of the {len(identity):,} samples nobody knows whose they are. Each counts as a "
        "person of its own, so attackers may have met some of the people they are measured on, and "
        "intervals may be too narrow."
    ]


def _warnings(frames: Frames, names: Iterable[str], attributes: Iterable[str]) -> list[Caveat]:
    """Collect the warnings about each attribute in each representation."""
    health = frames["health"].set_index("representation")
    found = []
    for attribute, (place, name) in product(attributes, enumerate(names)):
        leakage, permutation = (_about(frames, x, attribute, name) for x in ("leakage", "permutation"))
        before = health.iloc[0] if place else None
        texts = leakage_warnings(leakage, health.loc[name], before)
        best = strongest_attacker(leakage)
        for statistic in permutation.get("statistic", ()):
            if statistic > best["high"]:
                texts.append(
                    "Weak attackers: the fast classifiers of the permutation test read "
                    f"{percent(statistic)}, more than the strongest attacker. Tune the attackers, or ask "
                    "for more of them."
                )
        found += [Caveat(text, name, attribute) for text in texts]
    return found


def _about(frames: Frames, section: str, attribute: str, name: str) -> pd.DataFrame:
    """Select the rows of one attribute in one representation; none if the section was not measured."""
    frame = frames.get(section, pd.DataFrame(columns=["attribute", "representation"]))
    return frame[(frame["attribute"] == attribute) & (frame["representation"] == name)]


def _digest_of_samples(representations: Representations, rows: AuditRows) -> str:
    """Compute a digest of everything but the embeddings."""
    names = sorted(representations.labels)
    texts = [[name, *representations.classes[name]] for name in names]
    columns = [representations.labels[name] for name in names]
    return fingerprint(
        *map(np.array, texts),
        *columns,
        representations.identity,
        representations.split,
        representations.sample_id,
        rows.tested,
        rows.extra,
    )


def _facts(
    representations: Representations, rows: AuditRows, samples: str, embeddings: dict[str, str]
) -> dict[str, str]:
    identity = representations.identity[rows.tested]
    people = len(np.unique(identity[identity >= 0]))
    of = f" of {people:,} people" if people else ", of people whom nobody knows"
    sizes = [
        f"{int((representations.split == place).sum()):,} {name}"
        for place, name in enumerate((*SPLITS, "in no split"))
    ]
    return {
        "tested": f"{len(rows.tested):,} samples{of} ({rows.description})",
        "samples": f"{len(representations):,}: {', '.join(sizes)}",
        "fingerprint of samples and labels": samples,
        **{f"fingerprint of {name}": digest for name, digest in embeddings.items()},
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{x} {version(x)}" for x in _PACKAGES)]
        ),
    }
