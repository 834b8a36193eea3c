"""How the synthetic faces come about: labels, traits, drawing."""
