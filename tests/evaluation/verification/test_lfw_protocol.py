import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from datamodules.annotations.lfw_pairs import read_pairs
from datamodules.cropping.face_crop import CropOptions
from datamodules.cropping.face_detector import FaceDetector
from evaluation.verification.lfw_protocol import PairRows, best_threshold, lfw_view1, lfw_view2, listed_scores
from recipes.embedding.embedder import load_embedder
from recipes.embedding.photo_face import read_face
from tests.support.verification_sets import at_angles, folded, rows

ANGLES = [0, 10, 40, 90, 95, 150]


def test_view_1_by_hand():
    x = at_angles(0, 20, 60, 110, 10, 12, 70, 95)
    train = rows([(0, 1), (0, 2), (2, 3), (0, 3)], [1, 1, 0, 0])  # 20, 60 | 50, 110 degrees
    test = rows([(4, 5), (6, 7), (4, 6)], [1, 1, 0])  # 2, 25 | 60 degrees
    result = lfw_view1(x, train, test)
    # between 20 and 50 degrees one genuine pair is lost, beyond 60 one impostor passes: the middle of both
    middles = [math.cos(math.radians(a)) + math.cos(math.radians(b)) for a, b in ((20, 50), (60, 110))]
    assert 2 * result.threshold == pytest.approx(min(middles))
    assert result.accuracy == pytest.approx(2 / 3)
    assert (result.auc, result.eer, result.pairs, result.missing) == (1, 0, 3, 0)


def test_view_1_measures_distances_as_they_are():
    x = torch.tensor([[0.0, 0], [1, 0], [10, 0], [12, 0], [12, 4]])
    result = lfw_view1(
        x, rows([(0, 1), (0, 2)], [1, 0]), rows([(2, 3), (3, 4), (0, 4)], [1, 1, 0]), "euclidean"
    )
    assert result.threshold == -5.5
    assert result.accuracy == 1


def test_view_2_chooses_each_threshold_without_the_fold():
    embedding, pairs = folded()
    result = lfw_view2(embedding, pairs)
    unit = torch.nn.functional.normalize(embedding.double()).numpy()
    score = (unit[pairs.first] * unit[pairs.second]).sum(1)
    accuracies = []
    for k, threshold in enumerate(result.thresholds):
        train, test = pairs.fold != k, pairs.fold == k
        right = [np.mean((score[train] >= t) == pairs.same[train]) for t in np.append(score[train], 2)]
        assert np.mean((score[train] >= threshold) == pairs.same[train]) == max(right)
        accuracies.append(np.mean((score[test] >= threshold) == pairs.same[test]))
    assert result.accuracies == pytest.approx(accuracies)
    assert result.accuracy == pytest.approx(np.mean(accuracies))
    deviations = np.array(accuracies) - np.mean(accuracies)
    assert result.standard_error == pytest.approx(math.sqrt((deviations**2).sum() / 9) / math.sqrt(10))
    assert result.auc == pytest.approx(roc_auc_score(pairs.same, score))
    assert 0.6 < result.accuracy < 1
    # labels of a fold do not move its own threshold
    flipped = pairs._replace(same=np.where(pairs.fold == 4, ~pairs.same, pairs.same))
    again = lfw_view2(embedding, flipped)
    assert again.thresholds[4] == result.thresholds[4]
    assert again.accuracies[4] == pytest.approx(1 - result.accuracies[4])


def test_random_embeddings_are_at_chance_and_metrics_agree():
    embedding, pairs = folded(noise=100)
    assert lfw_view2(embedding, pairs).accuracy == pytest.approx(0.5, abs=0.1)
    unit = torch.nn.functional.normalize(folded()[0].double())
    cosine, euclidean = (lfw_view2(unit, folded()[1], metric) for metric in ("cosine", "euclidean"))
    assert euclidean.auc == cosine.auc
    assert euclidean.accuracy == pytest.approx(cosine.accuracy, abs=0.02)  # the middle is another one


def test_a_pair_without_an_embedding_is_an_error_everywhere():
    embedding, pairs = folded()
    whole = lfw_view2(embedding, pairs)
    first = pairs.first.copy()
    first[[3, 13]] = -1  # both of fold 3
    lost = lfw_view2(embedding, pairs._replace(first=first))
    assert lost.missing == 2
    assert lost.pairs == whole.pairs
    assert np.isfinite(lost.auc)
    assert lost.thresholds[3] == whole.thresholds[3]
    kept = pairs.fold == 3
    score = listed_scores(embedding, pairs._replace(first=first), "cosine")
    assert np.flatnonzero(np.isnan(score)).tolist() == [3, 13]
    right = (score[kept] >= lost.thresholds[3]) == pairs.same[kept]
    assert lost.accuracies[3] == pytest.approx((right & ~np.isnan(score[kept])).mean())
    everything = pairs._replace(first=np.full_like(first, -1))
    with pytest.raises(ValueError, match="no pair has a score"):
        lfw_view2(embedding, everything)
    nothing = lfw_view1(embedding, pairs, everything)
    assert (nothing.accuracy, nothing.missing) == (0, len(first))
    assert math.isnan(nothing.auc)


@pytest.mark.parametrize(
    ("score", "same", "threshold"),
    [
        ([1.0, 2.0, 3.0, 4.0], [0, 0, 1, 1], 2.5),
        ([1.0, 2.0], [1, 1], 1.0),  # accepts all
        ([1.0, 2.0], [0, 0], np.nextafter(2.0, 3.0)),  # accepts nothing
        ([1.0, 2.0, 2.0, 3.0], [0, 0, 1, 1], 1.5),  # of the two that lose one pair, the lower
        ([1.0, np.nextafter(1.0, 2.0)], [0, 1], np.nextafter(1.0, 2.0)),
    ],
)
def test_the_threshold_lies_between_scores(score, same, threshold):
    assert best_threshold(np.array(score), np.array(same, bool)) == threshold


def test_what_has_no_score_is_refused():
    x = at_angles(*ANGLES)
    with pytest.raises(ValueError, match="two folds or more, the pairs have 1"):
        lfw_view2(x, rows([(0, 1), (0, 3)], [1, 0]))
    with pytest.raises(ValueError, match="rows 0 to 6, but 6 embeddings"):
        listed_scores(x, rows([(0, 6)], [1]), "cosine")
    with pytest.raises(ValueError, match="rows -2 to 1, but 6 embeddings"):
        listed_scores(x, rows([(-2, 1)], [1]), "cosine")
    x[2], x[3, 0] = 0, math.nan
    with pytest.raises(ValueError, match="zero, which has no cosine"):
        listed_scores(x, rows([(0, 2)], [1]), "cosine")
    with pytest.raises(ValueError, match="not finite"):
        listed_scores(x, rows([(0, 3)], [1]), "euclidean")
    assert np.isfinite(listed_scores(x, rows([(0, 1), (0, 2)], [1, 0]), "euclidean")).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning")
def test_a_recogniser_verifies_real_pairs(face_data_root):
    root = face_data_root / "lfw"
    pairs = read_pairs(root / "pairs.txt")
    place = np.flatnonzero((np.arange(len(pairs)) % 100 < 4) & (pairs.fold < 4))  # 16 genuine, 16 impostor
    names, row = np.unique([pairs.first[place], pairs.second[place]], return_inverse=True)
    network = load_embedder(backbone="onnx", weights=str(face_data_root / "weights/mobilefacenet_112.onnx"))
    options, detector = CropOptions(mode="align", select="center"), FaceDetector()
    crops = [read_face(root / "lfw-deepfunneled" / name, options, detector).crop for name in names]
    with torch.inference_mode():
        embedding = network.embed(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2))
    first, second = row.reshape(2, -1)
    result = lfw_view2(embedding, PairRows(first, second, pairs.same[place], pairs.fold[place]))
    assert result.pairs == 32
    assert result.accuracy > 0.85
    assert result.auc > 0.95
