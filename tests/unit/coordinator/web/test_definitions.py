"""Agents fetch the documents of approved part versions, by their digest, without a key."""

import pytest

import gcode_templates
from tests.unit.coordinator.office import Office
from tests.unit.coordinator.web.house import open_house
from wire import release


def test_an_approved_parts_document_is_served_byte_by_byte_and_no_other(office: Office):
    document = gcode_templates.part_source("ear-saver")
    with open_house(office) as house, house.stranger() as agent:
        got = agent.get(f"{release.PATH}/{release.definition(document)}")
        assert (got.status_code, got.content) == (200, document)
        assert agent.get(f"{release.PATH}/{release.definition(b'another')}").status_code == 404


@pytest.mark.parametrize("name", ["ear-saver", "../keys/root.key", "A" * 64, ""])
def test_what_is_no_digest_leads_nowhere(office: Office, name: str):
    with open_house(office) as house, house.stranger() as agent:
        assert agent.get(f"{release.PATH}/{name}").status_code in {401, 404, 422}
