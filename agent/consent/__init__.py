"""What an owner lets a printer do, wants to be asked about, and has said. Stands on no network."""
