"""The owner's own hand at a printer, past the agent and whether it runs or not."""
