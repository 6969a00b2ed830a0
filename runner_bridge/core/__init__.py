"""
Decisions: values in, values out.

Nothing here awaits, reads a clock or the environment, logs, or does I/O; time is an argument. import-linter and
`core/ruff.toml` hold that.
"""
