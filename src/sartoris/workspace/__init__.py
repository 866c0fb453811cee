"""The working repository: moving it to a commit, its submodules, what is kept when it is reset."""
