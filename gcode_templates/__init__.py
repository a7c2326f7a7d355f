"""The parts and the machines' start and end scripts, as data."""
