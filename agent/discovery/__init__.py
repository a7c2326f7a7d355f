"""Looks for printers that could be driven, at this machine and at home. Nothing moves."""
