"""`muster-agent try`: a virtual print on this machine, alone or for a coordinator, with nothing left of it."""
