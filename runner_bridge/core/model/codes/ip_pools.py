"""Finding codes about Calico IPPool manifests."""
