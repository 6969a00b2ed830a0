"""Finding codes about config.toml of GitLab Runner."""
