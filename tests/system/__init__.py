"""The commands as a deployer types them, on real repositories and a fleet of directories."""
