"""The page, the tables and the figures that an audit writes."""
