"""The way out: what people approved goes into the team's tools, seen before it is sent, and once where the receiver has a key."""
