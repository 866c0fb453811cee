"""One module for each command of `git deploy`; imported when the command is typed."""
