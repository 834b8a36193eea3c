"""Run the steps of a study, each once."""
