"""A DDP strategy for every method: it looks for unused parameters only where two optimizers alternate."""

from pytorch_lightning.strategies import DDPStrategy, StrategyRegistry
from torch.nn import Module
from torch.nn.parallel import DistributedDataParallel

NAME = "ddp_as_needed"


class DDPAsNeeded(DDPStrategy):
    """DDP that sets `find_unused_parameters` only for modules that optimise manually.

    Elsewhere the search would cost time in every step, and PyTorch would warn about it.
    """

    def _setup_model(self, model: Module) -> DistributedDataParallel:
        assert self.lightning_module is not None
        self._ddp_kwargs["find_unused_parameters"] = not self.lightning_module.automatic_optimization
        return super()._setup_model(model)


StrategyRegistry.register(NAME, DDPAsNeeded, DDPAsNeeded.__doc__, override=True)
