"""Read what an audit measures and print its summary."""
