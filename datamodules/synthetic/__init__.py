"""The parts of the synthetic faces: labels, traits, drawing."""
