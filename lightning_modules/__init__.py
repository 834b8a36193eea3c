"""One LightningModule per method, and the backbones, heads and losses that they share."""
