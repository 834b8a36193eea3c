"""Export an encoder with its model card."""
