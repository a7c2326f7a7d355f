"""The fault run: real processes, a nemesis, and a checker of what they left behind. `python -m tests.chaos --help`."""
