"""The only place that runs git on the deployment server."""

from sartoris.git.command import Git, GitResult

__all__ = ["Git", "GitResult"]
