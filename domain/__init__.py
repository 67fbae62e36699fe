"""What we talk about: accounts, signals, plays, decisions. Imports nothing of ours and does no I/O."""
