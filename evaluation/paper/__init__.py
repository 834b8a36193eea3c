"""Published tables and figures beside ours: pure functions on the numbers that audits leave."""
