"""The command line: what is typed, what is shown, and which exit code a story's end has."""
