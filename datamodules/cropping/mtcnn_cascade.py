"""The cascade of MTCNN (Zhang et al., IEEE SPL 2016) over a batch of images, stage by stage.

It follows facenet-pytorch's `detect_face` operation by operation, so that it finds the boxes that the package
finds in each image alone; only the loops over crops are gone, and the networks use another memory layout.
Where the package raises because a stage finds nothing, or a box has no pixel left, that box is dropped.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from facenet_pytorch import ONet, PNet, RNet
from torch import Tensor
from torchvision.ops import nms

from datamodules.cropping.area_crops import AreaCrops
from datamodules.cropping.mtcnn_networks import MtcnnNetwork

MIN_FACE_SIZE = 20
THRESHOLDS = (0.6, 0.7, 0.7)
FACTOR = 0.709

_CELL, _STRIDE = 12, 2  # window of P-Net in pixels, and stride of its outputs


@dataclass
class Candidates:
    """Boxes of all images, grouped by image: (n,) image, (n, 4) x1, y1, x2, y2 in pixels, (n,) score."""

    image: Tensor
    boxes: Tensor
    scores: Tensor

    def __getitem__(self, index: Tensor) -> "Candidates":
        return Candidates(self.image[index], self.boxes[index], self.scores[index])

    def __len__(self) -> int:
        return len(self.image)


def pyramid_scales(height: int, width: int) -> list[float]:
    """Return the scales at which P-Net sees an image; none if it is smaller than the smallest face."""
    scale = _CELL / MIN_FACE_SIZE
    side = min(height, width) * scale
    scales = []
    while side >= _CELL:
        scales.append(scale)
        scale, side = scale * FACTOR, side * FACTOR
    return scales


def suppress(found: Candidates, threshold: float) -> Tensor:
    """Return the indices that non-maximum suppression keeps, grouped by image, by descending score."""
    if not len(found):
        return found.image
    return (_suppress_by_image if found.boxes.is_cpu else _suppress_together)(found, threshold)


def _suppress_by_image(found: Candidates, threshold: float) -> Tensor:
    """Suppress in one call per image, so that boxes of two images are never compared: for a CPU."""
    counts = torch.bincount(found.image)
    parts = zip(*(t.split(counts.tolist()) for t in (found.boxes, found.scores)), strict=True)
    kept = [nms(boxes, scores, threshold) for boxes, scores in parts]
    starts = (counts.cumsum(0) - counts).repeat_interleave(torch.tensor([len(keep) for keep in kept]))
    return torch.cat(kept) + starts


def _suppress_together(found: Candidates, threshold: float) -> Tensor:
    """Suppress in one call, images moved apart in float64, which keeps the boxes' fractions: for a GPU."""
    boxes = found.boxes.double()
    apart = boxes.max() - boxes.min() + 1
    keep = nms(boxes + found.image[:, None] * apart, found.scores.double(), threshold)
    return keep[found.image[keep].argsort(stable=True)]


def squared(boxes: Tensor) -> Tensor:
    """Make (n, 4) boxes square around their centres, by their longer side."""
    corner, sides = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    side = sides.amax(dim=1, keepdim=True)
    corner = corner + sides * 0.5 - side * 0.5
    return torch.cat((corner, corner + side), dim=1)


def moved(boxes: Tensor, offsets: Tensor, closed: int) -> Tensor:
    """Move the edges of (n, 4) boxes by (n, 4) fractions of their sides, which are `closed` pixels longer."""
    sides = boxes[:, 2:] - boxes[:, :2] + closed
    return boxes + offsets * sides.repeat(1, 2)


class MtcnnCascade:
    """P-, R- and O-Net of facenet-pytorch with its default thresholds, one after the other.

    Args:
        device: of the images and the networks.
    """

    def __init__(self, device: torch.device) -> None:
        self.pnet, self.rnet, self.onet = (MtcnnNetwork(net(), device) for net in (PNet, RNet, ONet))

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> tuple[Candidates, Tensor]:
        """Find the faces in (B, H, W, 3) uint8 images.

        Returns:
            The candidates that O-Net accepts, before the last suppression, and (n, 5, 2) landmarks in pixels.
        """
        # full float32 on a GPU as well: TF32 would move boxes
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            crops = AreaCrops(images)
            return self.judge(crops, self.refine(crops, self.propose(crops)))

    def propose(self, crops: AreaCrops) -> Candidates:
        """First stage: propose square boxes where P-Net sees a face in a pyramid of each image."""
        scales = pyramid_scales(crops.height, crops.width)
        if not scales:
            return _nobody(crops.table.device)
        levels = [self._level(crops, scale) for scale in scales]
        scores = torch.cat([score.flatten(1) for score, _ in levels], dim=1)
        offsets = torch.cat([offset.flatten(2) for _, offset in levels], dim=2)
        image, cell = torch.nonzero(scores >= THRESHOLDS[0], as_tuple=True)
        grids = [score.shape[1:] for score, _ in levels]
        level, boxes = _windows(cell, grids, scales)
        found = Candidates(image, boxes, scores[image, cell])
        # within each scale first: one call, the scales moved apart (whole numbers, so it is exact)
        apart = level[:, None] * (2 * max(crops.height, crops.width))
        keep = suppress(Candidates(image, boxes + apart, found.scores), 0.5)
        keep = keep[suppress(found[keep], 0.7)]
        found, offsets = found[keep], offsets[image[keep], :, cell[keep]]
        return Candidates(found.image, squared(moved(found.boxes, offsets, closed=0)), found.scores)

    def _level(self, crops: AreaCrops, scale: float) -> tuple[Tensor, Tensor]:
        """Run P-Net on all images at one scale: (B, h, w) scores and (B, 4, h, w) offsets."""
        height, width = int(crops.height * scale + 1), int(crops.width * scale + 1)
        return _in_parts(self.pnet, crops.resize(height, width))

    def refine(self, crops: AreaCrops, found: Candidates) -> Candidates:
        """Second stage: keep the candidates that R-Net accepts, with better boxes, square again."""
        found, outputs = _accepted(self.rnet, 24, crops, found, THRESHOLDS[1])
        keep = suppress(found, 0.7)
        found, offsets = found[keep], outputs[keep]
        return Candidates(found.image, squared(moved(found.boxes, offsets, closed=1)), found.scores)

    def judge(self, crops: AreaCrops, found: Candidates) -> tuple[Candidates, Tensor]:
        """Third stage: keep the candidates that O-Net accepts, no longer square, and (n, 5, 2) landmarks."""
        found, outputs = _accepted(self.onet, 48, crops, found, THRESHOLDS[2])
        corner, sides = found.boxes[:, None, :2], found.boxes[:, None, 2:] - found.boxes[:, None, :2] + 1
        landmarks = sides * outputs[:, 4:].view(-1, 2, 5).transpose(1, 2) + corner - 1
        boxes = moved(found.boxes, outputs[:, :4], closed=1)
        return Candidates(found.image, boxes, found.scores), landmarks


def _nobody(device: torch.device) -> Candidates:
    empty = torch.empty(0, device=device)
    return Candidates(empty.long(), empty.view(0, 4), empty)


def _in_parts(net: MtcnnNetwork, parts: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    scores, others = zip(*(net(part) for part in parts), strict=True)
    return torch.cat(scores), torch.cat(others)


def _windows(cell: Tensor, grids: list[torch.Size], scales: list[float]) -> tuple[Tensor, Tensor]:
    """Return the level of each cell of the joined P-Net outputs, (n,), and its window, (n, 4) pixels."""
    device = cell.device
    cells = torch.tensor([grid.numel() for grid in grids], device=device)
    ends = cells.cumsum(0)
    level = torch.bucketize(cell, ends, right=True)
    within = cell - (ends - cells)[level]
    columns = torch.tensor([grid[1] for grid in grids], device=device)[level]
    corner = torch.stack((within % columns, within // columns), dim=1) * _STRIDE
    edges = torch.cat((corner + 1, corner + _CELL), dim=1).to(torch.float32)
    return level, (edges / torch.tensor(scales, device=device)[level, None]).floor()


def _accepted(
    net: MtcnnNetwork, size: int, crops: AreaCrops, found: Candidates, threshold: float
) -> tuple[Candidates, Tensor]:
    """Return the candidates whose crops a network scores above a threshold, and its other outputs."""
    limits = torch.tensor([crops.width, crops.height], device=found.boxes.device)
    corners = found.boxes.to(torch.int64)  # truncates
    first, end = corners[:, :2].clamp(min=1) - 1, corners[:, 2:].minimum(limits)
    inside = (end > first).all(dim=1)
    found = found[inside]
    scores, others = _in_parts(net, crops.crop(found.image, first[inside], end[inside], size))
    accepted = scores > threshold
    return replace(found[accepted], scores=scores[accepted]), others[accepted]
