"""Knowledge about an account under review: evidence with its rows, the dossier, the root cause."""
