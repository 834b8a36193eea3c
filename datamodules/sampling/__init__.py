"""Draw biased, mixed and split subsets."""
