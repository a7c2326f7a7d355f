"""`muster-agent setup`: a few questions, and the answers as settings."""
