"""A strategy for every method: DDP that looks for unused parameters only where two players train in turn."""

from pytorch_lightning.strategies import DDPStrategy, StrategyRegistry
from torch.nn import Module
from torch.nn.parallel import DistributedDataParallel

NAME = "ddp_as_needed"


class DDPAsNeeded(DDPStrategy):
    """DDP with `find_unused_parameters` where the module optimises manually.

    To look for them elsewhere costs time in every step, and PyTorch warns of it.
    """

    def _setup_model(self, model: Module) -> DistributedDataParallel:
        assert self.lightning_module is not None
        self._ddp_kwargs["find_unused_parameters"] = not self.lightning_module.automatic_optimization
        return super()._setup_model(model)


StrategyRegistry.register(NAME, DDPAsNeeded, DDPAsNeeded.__doc__, override=True)
