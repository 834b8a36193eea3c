"""Crop a chunk of photographs: detect in batches of equal size, crop one face of each."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from datamodules.cropping.face_crop import CropOptions, NoCropError, choose_face, cut_face
from datamodules.loading.photo_files import UnreadablePhotoError, read_photo

if TYPE_CHECKING:
    from datamodules.cropping.face_detector import FaceDetector, Faces

OK, NO_FACE, NO_CROP, UNREADABLE = "ok", "no face", "no crop", "unreadable"
"""Kinds of status; a reason follows the last two."""

BOX = ("x1", "y1", "x2", "y2")

LANDMARKS = tuple(
    f"{p}_{c}" for p in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth") for c in "xy"
)

NUMBERS = (*BOX, *LANDMARKS, "score")

_BATCH_PIXELS = 2**24  # in one batch of the detector, to bound its memory

_HELD_PIXELS = 2**26  # in images that wait for others of their size


Photo = np.ndarray | UnreadablePhotoError


def count_kinds(record: pd.DataFrame) -> Counter[str]:
    """Count the samples of a record, or of a manifest, by kind of status."""
    return Counter(status.partition(":")[0] for status in record["status"])


def read_ahead(paths: Iterable[str], max_pixels: int, threads: int) -> Iterator[Photo]:
    """Yield the photographs of `paths` in order, or the reason for none; `threads`, if any, decode ahead."""

    def read(path: str) -> Photo:
        try:
            return read_photo(path, max_pixels)
        except UnreadablePhotoError as error:
            return error

    if not threads:
        yield from map(read, paths)
        return
    remaining = iter(paths)
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque(pool.submit(read, path) for path in islice(remaining, 4 * threads))
        while waiting:
            photo = waiting.popleft().result()
            waiting.extend(pool.submit(read, path) for path in islice(remaining, 1))
            yield photo


@dataclass
class ChunkCropper:
    """Crops one chunk after another.

    Attributes:
        detector: finds the faces.
        options: of the crops.
        batch_size: largest number of images of one size that the detector sees at once.
    """

    detector: "FaceDetector"
    options: CropOptions
    batch_size: int

    def __call__(self, photos: Iterable[Photo], count: int) -> tuple[np.ndarray, pd.DataFrame]:
        """Crop the next `count` of `photos`.

        The batches depend only on the photographs, so that repeating a chunk gives the same result.

        Returns:
            (count, side, side, 3) uint8 crops, black where there is none, and the record: a row for each
            photograph with the `NUMBERS` of the chosen face, the number of `faces` and the `status`.
        """
        self.crops = np.zeros((count, self.options.side, self.options.side, 3), dtype=np.uint8)
        self.numbers = np.full((count, len(NUMBERS)), np.nan, dtype=np.float32)
        self.faces = np.zeros(count, dtype=np.int32)
        self.status = [""] * count
        held: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = {}
        for row, photo in enumerate(islice(photos, count)):
            if isinstance(photo, UnreadablePhotoError):
                self.status[row] = f"{UNREADABLE}: {photo}"
                continue
            batch = held.setdefault(photo.shape, [])
            batch.append((row, photo))
            if len(batch) >= min(self.batch_size, _BATCH_PIXELS // photo[..., 0].size):
                self._detect(held.pop(photo.shape))
            elif sum(image[..., 0].size for batch in held.values() for _, image in batch) > _HELD_PIXELS:
                self._detect(held.pop(next(iter(held))))
        for batch in held.values():
            self._detect(batch)
        record = pd.DataFrame(self.numbers, columns=list(NUMBERS))
        return self.crops, record.assign(faces=self.faces, status=self.status)

    def _detect(self, batch: list[tuple[int, np.ndarray]]) -> None:
        found = self.detector.detect(np.stack([image for _, image in batch]))
        for (row, image), faces in zip(batch, found, strict=True):
            self.faces[row] = len(faces.boxes)
            self.status[row] = self._crop(row, image, faces)

    def _crop(self, row: int, image: np.ndarray, faces: "Faces") -> str:
        if not len(faces.boxes):
            return NO_FACE
        k = choose_face(faces.boxes, image.shape[1], image.shape[0], self.options.select)
        box, landmarks = faces.boxes[k], faces.landmarks[k]
        self.numbers[row] = (*box, *landmarks.ravel(), faces.scores[k])
        try:
            self.crops[row] = cut_face(image, box, landmarks, self.options)
        except NoCropError as error:
            return f"{NO_CROP}: {error}"
        return OK
