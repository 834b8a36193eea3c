"""Read the command line: parsing, look-up of configurations, one-line errors."""
