"""The far ends that are tested here themselves."""

from tests.farend.postgres import postgres, postgres_url

__all__ = ["postgres", "postgres_url"]
