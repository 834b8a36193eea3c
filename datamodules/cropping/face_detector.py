"""Detect faces with MTCNN over whole batches: boxes, scores and five landmarks."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
import torch
from facenet_pytorch.models.utils.detect_face import nms_numpy

from datamodules.cropping.mtcnn_cascade import FACTOR, MIN_FACE_SIZE, THRESHOLDS, MtcnnCascade

CASCADE_VERSION = 1
"""Increased with every change that can move a box."""

_OVERLAP = 0.7  # of the smaller of two faces


@dataclass(frozen=True)
class Faces:
    """The faces found in one image, by descending score.

    Attributes:
        boxes: (k, 4) float32 x1, y1, x2, y2 in pixels.
        scores: (k,) float32.
        landmarks: (k, 5, 2) float32 pixels: left eye, right eye, nose, mouth corners as seen in the image.
    """

    boxes: np.ndarray
    scores: np.ndarray
    landmarks: np.ndarray


class FaceDetector:
    """MTCNN with the networks and the default settings of facenet-pytorch.

    Finds in a batch what `facenet_pytorch.MTCNN(keep_all=True).detect` finds in each image alone.

    Args:
        device: of the networks.
    """

    parameters: ClassVar[dict[str, Any]] = {
        "facenet_pytorch": version("facenet-pytorch"),
        "min_face_size": MIN_FACE_SIZE,
        "thresholds": list(THRESHOLDS),
        "factor": FACTOR,
        "cascade_version": CASCADE_VERSION,
    }
    """Everything that decides the result, for the key of a cache."""

    def __init__(self, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        self.cascade = MtcnnCascade(self.device)

    def detect(self, images: np.ndarray) -> list[Faces]:
        """Detect the faces of each image; none (k = 0) if MTCNN finds none or the image is below 20 pixels.

        Args:
            images: (B, H, W, 3) uint8 RGB. Batches of eight to sixteen are fastest on a CPU.
        """
        if not len(images):
            return []
        found, landmarks = self.cascade(torch.tensor(images, device=self.device))
        image = found.image.cpu().numpy()
        numbers = torch.cat((found.boxes, found.scores[:, None], landmarks.flatten(1)), dim=1).cpu().numpy()
        return [_distinct(numbers[image == k]) for k in range(len(images))]


def _distinct(numbers: np.ndarray) -> Faces:
    """Drop faces of one image that overlap a better one, from rows of box, score and landmarks."""
    if len(numbers):
        numbers = numbers[nms_numpy(numbers[:, :4], numbers[:, 4], _OVERLAP, "Min")]
    return Faces(numbers[:, :4], numbers[:, 4], numbers[:, 5:].reshape(-1, 5, 2))
