"""The record of every rollout: each event, each target's outcome."""
