"""Parts of the recipe that erases attributes from tables."""
