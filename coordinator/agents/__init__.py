"""How agents join, and who has."""
