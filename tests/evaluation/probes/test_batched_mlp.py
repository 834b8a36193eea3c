import numpy as np
import pytest
import torch
from torch import nn

from evaluation.probes import batched_mlp
from evaluation.probes.batched_mlp import LEARNING_RATE, Perceptron, Stacked, _batches, mlp_predictions

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(300, 6)) * [1, 1, 1, 1, 1, 0]).astype(np.float32)
LABEL = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
ROWS = RNG.permutation(300)
NETWORKS = [
    Perceptron(ROWS[:200], ROWS[200:], 0.01, 0),
    Perceptron(ROWS[100:], ROWS[:100], 0.05, 1),
    Perceptron(ROWS[50:150], ROWS[:50], 0.01, 2),
]


def test_a_stack_trains_like_each_network_alone_in_plain_torch():
    alike = [network._replace(decay=0.05) for network in NETWORKS]
    stacked = Stacked(torch.from_numpy(X), LABEL, alike)
    first = [[weight[j].detach().clone() for weight in stacked.weights] for j in range(3)]
    predictions = stacked.advance(8)
    for j, network in enumerate(alike):
        net = nn.Sequential(nn.Linear(6, 1024), nn.ReLU(), nn.Linear(1024, 2))
        w1, b1, w2, b2 = first[j]
        for parameter, start in zip(net.parameters(), (w1.T, b1[0], w2.T, b2[0]), strict=True):
            parameter.data = start.clone()
        groups = [{"params": net[i].weight, "weight_decay": network.decay} for i in (0, 2)]
        groups += [{"params": net[i].bias} for i in (0, 2)]
        optimizer = torch.optim.Adam(groups, lr=LEARNING_RATE)
        x, batches = torch.from_numpy(X), _batches(LABEL, network)
        for _ in range(8):
            rows = next(batches)
            assert set(rows) <= set(network.train)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), torch.from_numpy(LABEL[rows])).backward()
            optimizer.step()
        for ours, theirs in zip(stacked.weights, (p.t() for p in net.parameters()), strict=True):
            torch.testing.assert_close(ours[j].detach().squeeze(), theirs.squeeze(), rtol=1e-3, atol=1e-5)
        expected = net(x[network.test]).argmax(1).numpy()
        assert (predictions[j] == expected).mean() > 0.98


@pytest.mark.slow
def test_networks_of_several_decays_keep_their_places():
    together = mlp_predictions(X, LABEL, NETWORKS, [0.1, 1])
    for network, ours in zip(NETWORKS, together, strict=True):
        alone = mlp_predictions(X, LABEL, [network], [0.1, 1])[0]
        for a, b in zip(ours, alone, strict=True):
            assert (a == b).mean() > 0.97


@pytest.mark.slow
def test_in_parts_all_stops_are_the_same(monkeypatch):
    whole = mlp_predictions(X, LABEL, NETWORKS, [0.1, 1])
    monkeypatch.setattr(batched_mlp, "_AT_ONCE", 1)
    parts = mlp_predictions(X, LABEL, NETWORKS, [0.1, 1])
    for network, ours, theirs in zip(NETWORKS, whole, parts, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert len(a) == len(network.test)
            assert (a == b).mean() > 0.97
    assert (whole[0][1] == LABEL[NETWORKS[0].test]).mean() > 0.85
    assert (whole[0][0] != whole[0][1]).any(), "the first stop comes before the last"
