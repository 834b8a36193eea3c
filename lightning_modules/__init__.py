"""The methods, one LightningModule a file, and the backbones, heads and losses that they share."""
