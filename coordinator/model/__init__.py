"""What the coordinator knows, pure: no database, clock, socket or file here."""
