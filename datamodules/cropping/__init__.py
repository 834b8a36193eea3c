"""Find and crop faces once, into a store that training reads."""
