"""The ways in: the command line, the pages, and the wiring that builds everything once."""
