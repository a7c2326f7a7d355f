"""One plate on one printer, from its grant to what became of it."""
