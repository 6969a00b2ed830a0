"""Finding codes about the policy file."""
