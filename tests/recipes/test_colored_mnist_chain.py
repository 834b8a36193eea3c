"""Coloured MNIST from the plain classifier over the official LNTL to the one with a second bias head."""

import pytest
import torch

from tests.support import toy


@pytest.mark.slow
def test_each_training_starts_from_the_one_before(tmp_path, monkeypatch, dataset_tree):
    monkeypatch.chdir(tmp_path)
    data = [f"--data.init_args.root={dataset_tree('colored_mnist')}", "--data.init_args.batch_size=16"]
    quiet = [*toy.QUIET, "--trainer.max_epochs=1"]

    def train(experiment, *configs, start=None):
        chosen = [part for name in configs for part in ("--config", f"paper/{name}.yaml")]
        more = [f"--model.init_args.start_from={start}"] if start else []
        toy.run(monkeypatch, *chosen, *data, *quiet, *more)
        return toy.only_run(tmp_path / "runs" / experiment) / "checkpoints" / "best.ckpt"

    plain = train("colored_mnist_baseline", "colored_mnist_baseline")
    official = train("lntl_colored_mnist", "lntl_colored_mnist", start=plain)
    monkeypatch.setattr("torch.optim.SGD.step", lambda *args, **kwargs: None)  # what it starts from stays
    ours = train("lntl_whole_image", "lntl_colored_mnist", "lntl_whole_image", start=official)
    before, after = (torch.load(path, weights_only=True)["state_dict"] for path in (official, ours))
    added = {name for name in after if name not in before}
    assert added
    assert all(name.startswith("bias_heads.color.") for name in added)
    assert all(torch.equal(after[name], value) for name, value in before.items() if "running" not in name
               and "num_batches" not in name)  # fmt: skip
