"""The agent's one HTTP client: to the coordinator, and to the servers of printers."""
