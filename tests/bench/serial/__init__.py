"""The serial hosts against each other, over the same pty and the same far ends."""
