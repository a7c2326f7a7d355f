"""The files behind manifests: whole, in parts, and only by their links."""

import hashlib

from tests.unit.coordinator.web.house import House


def link(house: House) -> tuple[str, str, int]:
    """The path of a file that an agent was just granted, its SHA-256 and its size."""
    anna = house.office.agent("anna")
    house.office.needs(3)
    anna.is_ready()
    manifest = anna.grants[-1]
    return "/files/" + manifest.url.split("/files/")[1], manifest.digest, manifest.size


def test_a_file_comes_whole_or_in_parts(house: House):
    path, digest, size = link(house)
    with house.stranger() as agent:
        whole = agent.get(path)
        assert hashlib.sha256(whole.content).hexdigest() == digest
        first = agent.get(path, headers={"Range": "bytes=0-99"})
        rest = agent.get(path, headers={"Range": "bytes=100-", "If-Range": first.headers["etag"]})
        assert (first.status_code, rest.status_code) == (206, 206)
        assert rest.headers["content-range"] == f"bytes 100-{size - 1}/{size}"
        assert first.content + rest.content == whole.content
        assert agent.get(path, headers={"Range": f"bytes={size}-"}).status_code == 416
        assert int(agent.head(path).headers["content-length"]) == size


def test_a_wrong_or_finished_link_leads_nowhere(house: House):
    path, _, _ = link(house)
    attempt = path.split("/")[2]
    with house.stranger() as agent:
        for wrong in (path[:-1], path + "x", f"/files/{attempt}/x", "/files/a1/x", f"/files/{attempt}"):
            answer = agent.get(wrong)
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
        assert agent.get(f"/files/{attempt}/..%2f..%2fetc%2fpasswd").status_code == 404
