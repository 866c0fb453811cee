"""What a rollout is.

`site` is what a command finds and never changes, `session` the open rollout and the only thing that
changes, `effects` the one way to change the world. `transitions` is the table of situations and
commands. It may use fleet, releases, workspace and what is below them.
"""
