"""Finding codes about Helm values of the gitlab-runner chart, and runner configuration inside ConfigMaps."""
