"""Sartoris: deploy from git to a fleet of servers, in two stages."""

__version__ = "0.1.0"
