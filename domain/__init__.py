"""Records of the product: accounts, signals, plays, decisions. Imports no other package of the project and does no I/O."""
