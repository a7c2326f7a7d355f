"""`python -m coordinator` is `muster`."""

from coordinator.cli import main

main()
