"""Releases: composed from a commit, published for the targets to fetch."""
