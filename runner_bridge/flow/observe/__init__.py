"""List and watch: the picture of the cluster, and which pods it changed for."""
