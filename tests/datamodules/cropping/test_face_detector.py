import itertools
import json

import cv2
import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from facenet_pytorch.models.utils import detect_face as package
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from datamodules.cropping.area_crops import AreaCrops
from datamodules.cropping.face_detector import FaceDetector, Faces
from datamodules.cropping.mtcnn_cascade import Candidates, _suppress_together, suppress
from datamodules.synthetic_faces import SyntheticFaces
from tests.support.marks import slow

TOLERANCE = 0.05  # pixels


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="module")
def mtcnn() -> MTCNN:
    return MTCNN(keep_all=True, device="cpu")


@pytest.fixture(scope="module")
def collages() -> np.ndarray:
    """(20, 218, 178, 3): one drawn face, four small ones, or none but smooth noise."""
    source = SyntheticFaces(size=112, train_identities=12)
    source.setup("fit")
    faces = source.datasets["train"].read(torch.arange(60))["image"].permute(0, 2, 3, 1).numpy()
    rng = np.random.default_rng(0)
    images = np.stack([_smooth_noise(rng, 218, 178) for _ in range(20)])
    for k, image in enumerate(images[:16]):
        if k % 2:
            top, left = rng.integers(0, 90), rng.integers(0, 60)
            image[top : top + 112, left : left + 112] = faces[k]
        else:
            for j, (y, x) in enumerate(itertools.product((5, 115), (3, 93))):
                side = int(rng.integers(50, 84))
                image[y : y + side, x : x + side] = cv2.resize(faces[4 * k // 2 + j], (side, side))
    return images[rng.permutation(20)]


@pytest.fixture(scope="module")
def found_alone(mtcnn, collages) -> list[Faces]:
    return [_alone(mtcnn, image) for image in collages]


def _smooth_noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.normal(size=(height, width, 3)), (0, 0), 2)
    return cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def _alone(mtcnn: MTCNN, image: np.ndarray) -> Faces:
    """Detect with the package in one image; faces by falling score."""
    try:
        boxes, scores, landmarks = mtcnn.detect(Image.fromarray(image), landmarks=True)
    except (RuntimeError, ValueError):  # "expected a non-empty list": a stage found nothing
        boxes = None
    if boxes is None:
        return Faces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))
    order = np.argsort(-scores.astype(float), kind="stable")
    return Faces(*(values[order].astype(np.float32) for values in (boxes, scores, landmarks)))


def _assert_same(found: list[Faces], expected: list[Faces]) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.boxes.dtype == ours.scores.dtype == ours.landmarks.dtype == np.float32
        assert ours.landmarks.shape == (len(ours.boxes), 5, 2)
        np.testing.assert_allclose(ours.boxes, theirs.boxes, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(ours.landmarks, theirs.landmarks, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(ours.scores, theirs.scores, rtol=0, atol=1e-4)


def _in_batches(detector: FaceDetector, images: np.ndarray, size: int) -> list[Faces]:
    starts = range(0, len(images), size)
    return [faces for k in starts for faces in detector.detect(images[k : k + size])]


@pytest.mark.parametrize("size", [1, slow(8), slow(20)])
def test_faces_equal_those_of_the_package_in_each_image_alone(detector, collages, found_alone, size):
    counts = [len(faces.boxes) for faces in found_alone]
    assert 0 in counts
    assert max(counts) > 1
    _assert_same(_in_batches(detector, collages, size), found_alone)


@pytest.mark.parametrize(
    ("pattern", "edge"),
    [("lfw/lfw-deepfunneled/*/*_0001.jpg", (250, 250)), ("celeba/img_align_celeba/*.jpg", (178, 218))],
)
@pytest.mark.parametrize("size", [1, 25])
def test_faces_in_photographs_equal_those_of_the_package(
    detector, mtcnn, face_data_root, pattern, edge, size
):
    paths = sorted(face_data_root.glob(pattern))[::37][:24]
    photographs = [Image.open(path).convert("RGB").resize(edge, Image.Resampling.BILINEAR) for path in paths]
    images = np.stack([np.asarray(photograph) for photograph in photographs])
    images = np.insert(images, 11, 128, axis=0)  # a faceless one among them
    assert len(images) == 25
    _assert_same(_in_batches(detector, images, size), [_alone(mtcnn, image) for image in images])


@pytest.mark.slow
def test_every_stage_sees_the_crops_that_the_package_sees(detector, mtcnn, collages, monkeypatch):
    theirs: dict[int, list[torch.Tensor]] = {24: [], 48: []}
    ours: dict[int, list[torch.Tensor]] = {24: [], 48: []}

    def spy(network, seen, shift, scale):
        def watched(pixels):
            seen[pixels.shape[-1]].append((pixels - shift) * scale)
            return forward(pixels)

        forward = network.forward
        monkeypatch.setattr(network, "forward", watched)

    for network in (mtcnn.rnet, mtcnn.onet):
        spy(network, theirs, 0, 1)
    for network in (detector.cascade.rnet, detector.cascade.onet):
        spy(network, ours, 127.5, 0.0078125)
    for image in collages:
        _alone(mtcnn, image)
    detector.detect(collages)
    assert sum(map(len, theirs[24])) > 300
    assert sum(map(len, theirs[48])) > 30
    for size in (24, 48):  # image after image, by falling score: the very order of the package
        assert torch.equal(torch.cat(ours[size]), torch.cat(theirs[size]))


def test_suppression_on_a_gpu_keeps_what_it_keeps_on_a_cpu():
    rng = np.random.default_rng(0)
    corner, side = rng.uniform(-30, 300, (600, 2)), rng.uniform(20, 200, (600, 1))
    boxes = torch.tensor(np.concatenate((corner, corner + side), axis=1), dtype=torch.float32)
    image = torch.tensor(np.sort(rng.choice([0, 1, 3, 4], 600)))
    found = Candidates(image, boxes, torch.tensor(rng.random(600), dtype=torch.float32))
    keep = suppress(found, 0.3)
    assert 10 < len(keep) < 500
    assert torch.equal(keep, _suppress_together(found, 0.3))
    alone = [package.batched_nms(*(t[image == k] for t in (boxes, found.scores, image)), 0.3) for k in (0, 3)]
    for k, expected in zip((0, 3), alone, strict=True):
        assert torch.equal(keep[image[keep] == k], torch.where(image == k)[0][expected])


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (19, 40), (20, 20), (21, 64), (100, 80)])
@pytest.mark.parametrize("count", [1, 3])
def test_images_without_a_face_give_no_faces(detector, shape, count):
    noise = np.random.default_rng(0).integers(0, 256, (count, *shape, 3), dtype=np.uint8)
    for images in (noise, *(np.full_like(noise, value) for value in (0, 128, 255))):
        images.flags.writeable = False  # as a memory map is
        found = detector.detect(images)
        assert [faces.boxes.shape for faces in found] == [(0, 4)] * count
        assert [faces.scores.shape for faces in found] == [(0,)] * count
        assert [faces.landmarks.shape for faces in found] == [(0, 5, 2)] * count


def test_no_images_give_no_results(detector):
    assert detector.detect(np.zeros((0, 64, 64, 3), dtype=np.uint8)) == []


def test_a_box_outside_the_image_is_dropped(detector, collages):
    crops = AreaCrops(torch.tensor(collages[:2]))
    with torch.inference_mode():
        found = detector.cascade.propose(crops)
        outside = torch.tensor([[-80.0, 10.0, -20.0, 70.0], [300.0, 10.0, 360.0, 70.0]])
        extended = Candidates(
            torch.cat((torch.tensor([0, 0]), found.image)),
            torch.cat((outside, found.boxes)),
            torch.cat((torch.tensor([0.99, 0.98]), found.scores)),
        )
        expected, refined = (detector.cascade.refine(crops, start) for start in (found, extended))
    assert len(expected) > 0
    assert torch.equal(refined.boxes, expected.boxes)
    assert torch.equal(refined.image, expected.image)


class _Operations(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


def test_a_batch_dispatches_few_operations_an_image(detector, collages):
    with _Operations() as operations:
        found = detector.detect(collages[:16])
    assert sum(len(faces.boxes) for faces in found) >= 16
    assert 0 < operations.count / 16 <= 100


def test_the_parameters_are_the_packages_defaults(mtcnn):
    parameters = json.loads(json.dumps(FaceDetector.parameters))
    for name in ("min_face_size", "thresholds", "factor"):
        assert parameters[name] == getattr(mtcnn, name)
    assert set(parameters) == {
        "facenet_pytorch", "min_face_size", "thresholds", "factor", "cascade_version",
    }  # fmt: skip
