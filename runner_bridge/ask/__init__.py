"""Questions in, answers out. Never imports `ports` or `render`: what it needs is handed in by `cli`."""
