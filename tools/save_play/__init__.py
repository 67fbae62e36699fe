"""The save play: what it may contain, which actions fit, how it is built and verified, what it is worth."""
