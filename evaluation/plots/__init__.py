"""The pictures of the audit: each takes a tidy frame and returns a matplotlib figure, in one style."""
