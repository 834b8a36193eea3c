"""Run an audit: the leakage of attributes, the cost of hiding them, and the gaps between groups."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.audit.cache import AuditCache, Frames, fingerprint
from evaluation.audit.choices import choose_representations
from evaluation.audit.corrected_tests import correct_tests
from evaluation.audit.downstream_section import compare_downstream
from evaluation.audit.facts import about_subjects, digest_of_samples, facts
from evaluation.audit.leakage_warnings import leakage_warnings
from evaluation.audit.packed_readings import CORRECT, REPLICATES
from evaluation.audit.plan import Step, plan
from evaluation.audit.rare_classes import attackable_attributes
from evaluation.audit.readings import compare_readings
from evaluation.audit.result import Audit, Caveat
from evaluation.audit.rows import choose_attributes, choose_rows
from evaluation.audit.settings import AuditSettings
from evaluation.audit.shared_subjects import join_shared_subjects
from evaluation.audit.step_costs import expected_seconds
from evaluation.audit.table_checks import check_tables
from evaluation.leakage.white_box import KnownMaps
from evaluation.samples.representations import Representations
from evaluation.verification.listed_pairs import ListedPairs

_QUICK = (
    "Quick settings: the attackers were not tuned (tune: false). A tuned one may read more, so these figures "
    "are a first look and not a result."
)


def run_audit(
    representations: Representations,
    settings: AuditSettings,
    folder: Path,
    on_step: Callable[[Step, float, float], None] = lambda step, done, total: None,
    pairs: Sequence[ListedPairs] = (),
    erasers: Mapping[str, KnownMaps] | None = None,
) -> Audit:
    """Measure everything that the settings ask for.

    Args:
        representations: the others are compared with the first.
        settings: options of the audit.
        folder: cache of measurements, from which an interrupted audit resumes.
        on_step: called before each step, with the step, and the expected cost of the steps before it and of
            all steps; what is in the cache costs nothing.
        pairs: listed pairs to verify, of View 1, View 2 or both, as rows of the embeddings.
        erasers: the erasers that made representations of the first, by their names; with the setting `access`
            an attacker who knows them attacks as well.

    Raises:
        ValueError: the settings do not fit the data; the message says why.
    """
    rows = choose_rows(representations, settings)
    about_tables = check_tables(representations, rows, settings)
    attributes, left_out = choose_attributes(representations, settings, rows.tested)
    attributes, rare = attackable_attributes(representations, settings, attributes, rows.tested)
    joined, shared = join_shared_subjects(representations, rows, settings.seed)
    cache = AuditCache(folder)
    samples = digest_of_samples(joined, rows)
    embeddings = {name: fingerprint(x) for name, x in representations.embeddings.items()}
    steps = plan(representations, joined, settings, rows, attributes, pairs, erasers)
    found: dict[str, list[pd.DataFrame]] = {}
    keys = [_key(step, samples, embeddings) for step in steps]
    costs = [
        0.0 if cache.holds(key) else expected_seconds(step.section, len(rows.tested))
        for step, key in zip(steps, keys, strict=True)
    ]
    done, total = 0.0, sum(costs)
    for step, key, cost in zip(steps, keys, costs, strict=True):
        on_step(step, done, total)
        done += cost
        for name, frame in cache.get(key, step.measure).items():
            found.setdefault(name, []).append(_labelled(frame, step))
    frames = {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}
    frames |= correct_tests(frames)
    if CORRECT in frames:
        frames |= compare_readings(frames[CORRECT], joined, rows, attributes, settings.seed)
    if REPLICATES in frames:
        frames |= compare_downstream(frames[REPLICATES])
    if len(representations.embeddings) > 1 and "candidates" in frames:
        frames["selection"] = choose_representations(frames["candidates"], settings.leakage_at_most)
    caveats = [] if settings.tune else [Caveat(_QUICK)]
    caveats += [Caveat(text) for text in (*left_out, *rare, *about_subjects(representations, rows))]
    caveats += [*about_tables, *shared]
    caveats += [Caveat(text) for listed in pairs for text in listed.caveats(representations.split)]
    about_pairs = {f"pairs of View {listed.view}": listed.description for listed in pairs}
    return Audit(
        names=tuple(representations.embeddings),
        attributes=tuple(attributes),
        classes={name: representations.classes[name] for name in attributes},
        frames=frames,
        caveats=[*caveats, *_warnings(frames, representations.embeddings, attributes)],
        settings=asdict(settings),
        facts=facts(representations, rows, samples, embeddings)
        | about_pairs
        | {"date": cache.last_measured()},
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


def _warnings(frames: Frames, names: Iterable[str], attributes: Iterable[str]) -> list[Caveat]:
    """Collect the warnings about each attribute in each representation."""
    health = frames["health"].set_index("representation")
    found = []
    for attribute, (place, name) in product(attributes, enumerate(names)):
        leakage, best = (_about(frames, x, attribute, name) for x in ("leakage", "strongest"))
        before = health.iloc[0] if place else None
        texts = leakage_warnings(leakage, best.iloc[0], health.loc[name], before)
        found += [Caveat(text, name, attribute) for text in texts]
    return found


def _about(frames: Frames, section: str, attribute: str, name: str) -> pd.DataFrame:
    """Select the rows of one attribute in one representation; none if the section was not measured."""
    frame = frames.get(section, pd.DataFrame(columns=["attribute", "representation"]))
    return frame[(frame["attribute"] == attribute) & (frame["representation"] == name)]
