"""The VGGFace2 ResNet-50 against the Caffe network, written again from its description."""

import pickle

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from lightning_modules.backbones.factory import WeightsError, build_backbone
from lightning_modules.backbones.vggface2 import caffe_resnet50
from lightning_modules.backbones.weight_files import State

BLOCKS = {1: 3, 2: 4, 3: 6, 4: 3}


@pytest.fixture(scope="module")
def state() -> State:
    """Random weights under the names of the published file, classifier included, batch counters not."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, tensor in timm.create_model("resnet50", num_classes=8631).state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if tensor.ndim > 1:
            state[name] = torch.randn(tensor.shape, generator=generator) * (2 / tensor[0].numel()) ** 0.5
        elif name.endswith("bias") or name.endswith("mean"):
            state[name] = torch.randn(tensor.shape, generator=generator) * 0.1
        else:
            state[name] = torch.rand(tensor.shape, generator=generator) * 0.5 + 0.5
    return state


def caffe(state: State, image: Tensor) -> Tensor:
    """The published network on prepared images: the stride sits in each stage's first 1x1 convolution."""

    def conv_bn(x: Tensor, conv: str, bn: str, stride: int = 1, padding: int = 0) -> Tensor:
        x = functional.conv2d(x, state[f"{conv}.weight"], stride=stride, padding=padding)
        mean, var = state[f"{bn}.running_mean"], state[f"{bn}.running_var"]
        normal = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
        return normal * state[f"{bn}.weight"][:, None, None] + state[f"{bn}.bias"][:, None, None]

    x = conv_bn(image, "conv1", "bn1", stride=2, padding=3).relu()
    # Windows begin at 0, 2, ..., 110; the last one hangs over the edge.
    x = functional.pad(x, (0, 1, 0, 1), value=float("-inf")).unfold(2, 3, 2).unfold(3, 3, 2).amax((4, 5))
    for stage, count in BLOCKS.items():
        for block in range(count):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = conv_bn(x, f"{name}.conv1", f"{name}.bn1", stride=stride).relu()
            y = conv_bn(y, f"{name}.conv2", f"{name}.bn2", padding=1).relu()
            y = conv_bn(y, f"{name}.conv3", f"{name}.bn3")
            if block == 0:
                x = conv_bn(x, f"{name}.downsample.0", f"{name}.downsample.1", stride=stride)
            x = (x + y).relu()
    assert x.shape[1:] == (2048, 7, 7)
    return x.sum((2, 3)) / 49


@pytest.mark.slow
def test_features_are_those_of_the_caffe_network(tmp_path, state):
    path = tmp_path / "resnet50_ft_weight.pkl"
    path.write_bytes(pickle.dumps({name: tensor.numpy() for name, tensor in state.items()}, protocol=2))
    image = torch.randint(
        256, (1, 3, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(2)
    )
    mean = torch.tensor([91.4953, 103.8827, 131.0912], dtype=torch.float64)[:, None, None]
    prepared = image[:, [2, 1, 0]].double() - mean
    double = {name: tensor.double() for name, tensor in state.items()}
    with torch.no_grad():
        expected = caffe(double, prepared)
        ours = build_backbone("vggface2_resnet50", weights=str(path)).eval()(image)
        error = (ours - expected).abs().max()
        assert error < 1e-4 * expected.abs().max()
        for change in ("neither", "pool", "stride"):
            wrong = caffe_resnet50()
            if change != "pool":
                wrong.maxpool = nn.MaxPool2d(3, 2, padding=1)
            if change != "stride":
                for stage in (wrong.layer2, wrong.layer3, wrong.layer4):
                    stage[0].conv1.stride, stage[0].conv2.stride = (1, 1), (2, 2)
            wrong.load_state_dict({n: t for n, t in state.items() if "fc" not in n}, strict=False)
            assert (wrong.eval()(prepared.float()) - expected).abs().max() > 100 * error, change


@pytest.mark.slow
def test_weights_of_the_other_formats_are_the_same(tmp_path, state):
    torch.save(state, tmp_path / "weights.pth")
    save_file(state, tmp_path / "weights.safetensors")
    for name in ("weights.pth", "weights.safetensors"):
        backbone = build_backbone("vggface2_resnet50", weights=str(tmp_path / name))
        loaded = backbone.network.state_dict()
        kept = {n: t for n, t in state.items() if not n.startswith("fc.")}
        assert all(torch.equal(loaded[n], t) for n, t in kept.items())
    assert sum(p.numel() for p in backbone.parameters()) == 23_508_032
    assert backbone.num_features == 2048


@pytest.mark.slow
def test_other_weights_are_refused(tmp_path, state):
    path = tmp_path / "weights.pth"
    torch.save({n: t for n, t in state.items() if n != "layer4.2.bn3.running_var"}, path)
    with pytest.raises(WeightsError, match=r"weights.pth: .*1 missing \(layer4.2.bn3.running_var\)"):
        build_backbone("vggface2_resnet50", weights=str(path))
