"""Plan the steps of an audit: what to measure, and the options that each result depends on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

from evaluation.audit.attack_sections import measure_access, measure_learning_curve, measure_subgroups
from evaluation.audit.attacker_names import attacker_name
from evaluation.audit.cache import Frames, fingerprint
from evaluation.audit.corrected_tests import TESTS_EACH
from evaluation.audit.downstream_section import measure_downstream
from evaluation.audit.identification_section import measure_identification
from evaluation.audit.rows import AuditRows, known_twice
from evaluation.audit.sections import (
    measure_comparison,
    measure_demographics,
    measure_head_tsne,
    measure_health,
    measure_information,
    measure_leakage,
    measure_map,
    measure_permutations,
    measure_suppression,
    measure_tsne,
    measure_verification,
    measure_verification_within,
)
from evaluation.audit.settings import AuditSettings
from evaluation.leakage.multiplicity import shuffles_needed
from evaluation.leakage.white_box import KnownMaps
from evaluation.probes.attacker_table import TEST_ATTACKERS
from evaluation.samples.representations import Representations
from evaluation.verification.listed_pairs import ListedPairs

_AS_GIVEN = (
    measure_verification,
    measure_verification_within,
    measure_identification,
    measure_comparison,
    measure_demographics,
)
"""Measurements that take the identities of the samples as they are."""

_DIGESTED = 50  # samples by whose components an eraser is told from another in the cache

Measure = Callable[[Representations, Any, AuditRows, AuditSettings], Frames]


@dataclass(frozen=True)
class Step:
    """One measurement.

    Attributes:
        section: name of the measurement, for readers.
        representation: name of the representation.
        attribute: name of the attribute, or None.
        options: settings that the result depends on.
        measure: function that measures.
    """

    section: str
    representation: str
    attribute: str | None
    options: dict[str, Any]
    measure: Callable[[], Frames]

    @property
    def title(self) -> str:
        """Text for a progress bar."""
        of = f" of {self.attribute}" if self.attribute else ""
        return f"{self.section}{of} in {self.representation}"


def plan(
    representations: Representations,
    joined: Representations,
    settings: AuditSettings,
    rows: AuditRows,
    attributes: list[str],
    pairs: Sequence[ListedPairs] = (),
    erasers: Mapping[str, KnownMaps] | None = None,
) -> list[Step]:
    """List every step; quick ones that may reveal a fault in the data come first.

    Args:
        representations: embeddings and labels.
        joined: the same with the identities that measurements of leakage keep together, see
            `join_shared_subjects`.
        settings: options of the audit.
        rows: rows to attack.
        attributes: sensitive attributes.
        pairs: listed pairs to verify.
        erasers: erasers that made representations of the first, by their names, for the white box.

    Raises:
        ValueError: the samples do not allow a measurement that the settings ask for.
    """
    steps: list[Step] = []
    tests = TESTS_EACH * len(attributes) * len(representations.embeddings)
    shuffles = shuffles_needed(tests) if settings.permutations is None and tests else settings.permutations
    attackers = [*dict.fromkeys([*settings.attackers, *(TEST_ATTACKERS if shuffles else ())])]
    alone = {name: representations.alone(name) for name in representations.embeddings}
    for_leakage = {name: joined.alone(name)[0] for name in joined.embeddings}
    own = {name: rows.among(present) for name, (_, present) in alone.items()}

    def add(
        section: str, name: str, attribute: str | None, measure: Measure, *options: str, **changed: Any
    ) -> None:
        asked = replace(settings, **changed)
        chosen = {option: getattr(asked, option) for option in (*options, "seed")}
        data = alone[name][0] if measure in _AS_GIVEN else for_leakage[name]
        measured = partial(measure, data, attribute, own[name], asked)
        steps.append(Step(section, name, attribute, chosen, measured))

    known = known_twice(representations.identity[rows.tested])
    if settings.group is not None and not known:
        raise ValueError("to compare errors by group, some person must be known to have two samples")
    paired = _paired(representations, settings, attributes)
    unseen = (representations.split == 0).any() and not (representations.split[rows.tested] == 0).any()
    for name in representations.embeddings:
        add("health", name, None, measure_health)
        if known:
            add("verification", name, None, measure_verification)
            add("identification", name, None, measure_identification, "group")
        if settings.compared:
            add("comparison of images", name, None, measure_comparison, "compared")
        for listed in pairs:
            scored = listed.among(alone[name][1])
            measure = partial(scored.measure, representations.embeddings[name])
            digest = {"pairs": fingerprint(*listed.columns)}
            steps.append(Step(f"LFW View {listed.view}", name, None, digest, measure))
        if settings.group is not None:
            add("errors of groups", name, settings.group, measure_demographics, "fmr_target")
        if attributes:
            add("attribute map", name, None, measure_map, "folds", "max_classes", "sensitive")
        if settings.tsne and attributes:
            add("t-SNE", name, None, measure_tsne, "tsne")
    first, *others = representations.embeddings
    originals = {
        name: representations.embeddings[first][alone[name][1]] for name in others if settings.access
    }
    digests = {name: fingerprint(x) for name, x in originals.items()}
    known_maps = {name: maps for name, maps in (erasers or {}).items() if name in originals}
    for name, maps in known_maps.items():
        some = originals[name][:_DIGESTED]
        digests[name] += fingerprint(maps.means, maps.maps, maps.target, maps.coordinates(some))
    for attribute, name in product(attributes, representations.embeddings):
        about = (name, attribute)
        if known:
            add("verification within classes", *about, measure_verification_within)
        if attribute in paired:
            options = ("target", "balance", "bias", "biases", "downstream_draws", "folds")
            add("downstream", *about, measure_downstream, *options)
        for attacker in attackers:
            options = ("attackers", "scalings", "folds", "repeats", "tune", "max_samples")
            words = f"{attacker_name(attacker)}: leakage"
            add(words, *about, measure_leakage, *options, attackers=[attacker])
        if shuffles:
            tested = ("permutations", "folds")
            measure = partial(measure_permutations, tests=tests)
            add("permutation test", *about, measure, *tested, permutations=shuffles)
            steps[-1].options["tests"] = tests
            if settings.subgroups and len(attributes) > 1:
                add("subgroups", *about, measure_subgroups, "sensitive", "folds", sensitive=attributes)
        if settings.learning_curve:
            add("learning curve", *about, measure_learning_curve, "folds")
        if settings.access:
            measure = partial(measure_access, before=originals.get(name), maps=known_maps.get(name))
            add("access", *about, measure, "folds")
            steps[-1].options["before"] = digests.get(name)
        if settings.information:
            add("information", *about, measure_information, "folds")
        if settings.suppression_draws:
            add("suppression", *about, measure_suppression, "suppression_draws")
        if settings.tsne and unseen:
            add("t-SNE of a classifier", *about, measure_head_tsne, "tsne")
    return steps


def _paired(representations: Representations, settings: AuditSettings, attributes: list[str]) -> list[str]:
    """Return the sensitive attributes, of two classes, that a classifier of the target may be biased in."""
    if settings.target is None:
        return []
    others = [name for name in (settings.target, settings.balance) if name is not None]
    paired = [x for x in attributes if x not in others and len(representations.classes[x]) == 2]
    if not paired:
        raise ValueError(f"a target needs a sensitive attribute of two classes beside {' and '.join(others)}")
    return paired
