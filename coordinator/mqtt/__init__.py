"""The broker and the link to it."""
