import numpy as np
import pytest

from evaluation.audit.cache import fingerprint
from evaluation.verification.lfw_protocol import PairRows
from evaluation.verification.listed_pairs import ListedPairs
from tests.support.verification_sets import at_angles, folded, rows

X = at_angles(0, 20, 60, 110, 10, 12, 70, 95)
TRAIN = rows([(0, 1), (0, 2), (2, 3), (0, 3)], [1, 1, 0, 0])
TEST = rows([(4, 5), (6, 7), (4, 6)], [1, 1, 0])


def test_view_1_is_of_the_test_pairs_with_both_metrics():
    (name, frame), *none = ListedPairs(TEST, TRAIN, True).measure(X).items()
    assert (name, none) == ("lfw_view1", [])
    assert frame["metric"].tolist() == ["cosine", "euclidean"]
    assert frame["accuracy"].to_numpy() == pytest.approx(2 / 3)
    n, p, z = 3, 2 / 3, 1.959963984540054
    middle, reach = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    wilson = np.array([middle - reach, middle + reach]) / (1 + z**2 / n)
    assert frame[["low", "high"]].to_numpy() == pytest.approx(np.array([wilson, wilson]))
    assert frame["standard_error"].to_numpy() == pytest.approx(np.sqrt(p * (1 - p) / n))
    assert (
        frame[["pairs", "missing", "train_pairs", "train_missing"]].to_numpy().tolist() == [[3, 0, 4, 0]] * 2
    )
    assert frame["official"].all()
    assert frame["threshold"].iloc[0] > 0 > frame["threshold"].iloc[1], "a cosine, minus a distance"


def test_view_2_has_its_folds_in_a_frame_of_their_own():
    embedding, pairs = folded()
    found = ListedPairs(pairs).measure(embedding)
    assert list(found) == ["lfw_view2", "lfw_view2_folds"]
    for row in found["lfw_view2"].itertuples():
        each = found["lfw_view2_folds"].query("metric == @row.metric")
        assert each["fold"].tolist() == list(range(1, 11))
        assert row.accuracy == pytest.approx(each["accuracy"].mean())
        assert row.standard_error == pytest.approx(each["accuracy"].std() / np.sqrt(10))
        assert (row.folds, row.pairs, row.missing, row.official) == (10, len(pairs.same), 0, False)


def test_what_figures_depend_on_is_all_in_the_columns():
    base = ListedPairs(TEST, TRAIN)
    others = [
        ListedPairs(TEST, TRAIN, True),
        ListedPairs(TEST),
        ListedPairs(TRAIN, TEST),
        ListedPairs(TEST._replace(first=TEST.second, second=TEST.first), TRAIN),
        ListedPairs(TEST, TRAIN._replace(same=~TRAIN.same)),
        ListedPairs(TEST._replace(fold=TEST.fold + 1), TRAIN),
    ]
    digests = {fingerprint(*pairs.columns) for pairs in (base, ListedPairs(TEST, TRAIN), *others)}
    assert len(digests) == 1 + len(others)


def test_the_caveats_count_missing_pairs_and_training_people():
    def lost(pairs: PairRows, *places: int) -> PairRows:
        first = pairs.first.copy()
        first[list(places)] = -1
        return pairs._replace(first=first)

    split = np.array([0, 0, 2, 2, 2, 2, 2, 2])
    assert ListedPairs(TEST, TRAIN).caveats(split) == []
    one, two = ListedPairs(lost(TEST, 1), lost(TRAIN, 0, 3), True).caveats(split)
    assert one.startswith("LFW View 1: 1 of the 3 test pairs have an image without an embedding")
    assert one.endswith("each counts as an error.")
    assert two.startswith("LFW View 1: 2 of the 4 training pairs have")
    split[[4, -1]] = 0
    (seen,) = ListedPairs(lost(TEST, 2)).caveats(split)[1:]
    assert seen.startswith("View 2: 2 of the 3 pairs show somebody of the training split"), seen
    assert ListedPairs(TEST).caveats(np.full(8, -1)) == []


def test_a_lost_image_is_an_error_in_the_frame():
    whole = ListedPairs(TEST, TRAIN).measure(X)["lfw_view1"]
    first = np.array([-1, *TEST.first[1:]])
    frame = ListedPairs(TEST._replace(first=first), TRAIN).measure(X)["lfw_view1"]
    assert frame["accuracy"].to_numpy() == pytest.approx(whole["accuracy"].to_numpy() - 1 / 3)
    assert frame["missing"].tolist() == [1, 1]
