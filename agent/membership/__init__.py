"""Who this agent is among its coordinator's, how it joined and stays, and whom it believes."""
