"""Serial printers: G-code over a cable, by a process of its own beside each port."""
