"""What agent and coordinator say to each other. Pure: no clock, file, socket, log or environment."""
