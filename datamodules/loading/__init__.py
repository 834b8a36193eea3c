"""Read, augment and batch images."""
