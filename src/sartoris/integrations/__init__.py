"""The world around a rollout: mail, log files. Each listens, or is told at the end of an action."""
