"""The stories: start, sync, finish, abort, revert. No argument parsing, no printing."""
