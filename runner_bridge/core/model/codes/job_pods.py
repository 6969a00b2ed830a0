"""Finding codes about job pods (the judge)."""
