"""Train: base classes of the methods, optimizers, frozen parts."""
