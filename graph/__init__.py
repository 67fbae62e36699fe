"""Order: the weekly review as a graph. Edges only here; one file a phase."""
