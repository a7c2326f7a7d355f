"""Who is let in, by what, and who is kept waiting."""
