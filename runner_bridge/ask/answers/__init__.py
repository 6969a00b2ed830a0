"""Questions → frozen answers: what is shown, in which order, with which exit code; never how it looks."""
