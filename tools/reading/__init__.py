"""Reading of texts: notes, tickets and survey comments in, statements out."""
