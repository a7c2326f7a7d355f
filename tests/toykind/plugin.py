"""Adds the record to the catalogue, as a line in it would; a pytest plugin, so that it comes first."""

from agent.printers import catalogue
from tests.toykind.kind import TOY

catalogue.KINDS = (*catalogue.KINDS, TOY)
