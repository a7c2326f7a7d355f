"""The way out of a lost disk."""
