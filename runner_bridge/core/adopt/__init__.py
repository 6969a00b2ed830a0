"""Existing config.toml and Helm values → a policy whose render changes nothing but what it names."""
