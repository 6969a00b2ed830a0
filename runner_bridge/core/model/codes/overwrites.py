"""Finding codes about what a job may overwrite."""
