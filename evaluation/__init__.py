"""Pure functions and small metrics on arrays; knows nothing of Lightning."""
