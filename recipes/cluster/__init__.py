"""Submit trainings to SLURM."""
