"""Text with positions: YAML and TOML whose every key and value knows its line and column."""
