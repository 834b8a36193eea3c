"""Faces are found and cropped once, into a store that training reads."""
