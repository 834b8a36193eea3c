"""facenet-pytorch's InceptionResnetV1."""

from facenet_pytorch import InceptionResnetV1

from lightning_modules.backbones.backbone_base import Backbone, InputSpec, plain_backbone
from lightning_modules.backbones.weight_files import load_exactly, read_state
from storage.checkpoints import WeightsError

NAME = "inception_resnet_v1"
PUBLISHED = ("vggface2", "casia-webface")
LAST_STAGE = ("mixed_7a.", "repeat_3.", "block8.", "last_linear.", "last_bn.")


def build_inception_resnet_v1(weights: str | None) -> Backbone:
    """Build the network: 512 features of unit length of a 160 px image.

    Args:
        weights: `vggface2` or `casia-webface`, which the package downloads; or the path of a state dict,
            whose classifier is dropped. None leaves random values; "checkpoint" too, for a state dict that
            is loaded afterwards.

    Raises:
        WeightsError: the file is missing, damaged or another network's, or cannot be downloaded.
    """
    try:
        network = InceptionResnetV1(pretrained=weights if weights in PUBLISHED else None)
    except OSError as error:
        raise WeightsError(f"{weights} of {NAME} cannot be fetched: {error}") from error
    if weights in PUBLISHED:
        del network.logits
    elif weights not in (None, "checkpoint"):
        state = read_state(weights)
        load_exactly(network, {k: v for k, v in state.items() if not k.startswith("logits.")}, weights)
    spec = InputSpec(160, scale=255.0, mean=(127.5,) * 3, std=(128.0,) * 3)
    return plain_backbone(NAME, network, 512, spec, LAST_STAGE)
