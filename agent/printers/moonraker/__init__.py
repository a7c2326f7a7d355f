"""Printers behind a Moonraker (Klipper)."""
