"""`sartoris demo`: a small site to watch and to play with."""
