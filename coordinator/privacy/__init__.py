"""What is people's own: makers' links and addresses, and who sees them for how long."""
