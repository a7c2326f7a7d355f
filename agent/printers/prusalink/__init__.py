"""Printers behind a PrusaLink."""
