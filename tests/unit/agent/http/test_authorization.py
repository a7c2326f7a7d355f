import pytest

from agent.http.address import Login
from agent.http.authorization import DigestAuth


@pytest.mark.parametrize(
    ("challenge", "answer"),
    [
        # RFC 7616, 3.9.1
        (
            'algorithm=MD5, qop="auth"',
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
        (
            'algorithm=SHA-256, qop="auth"',
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_a_digest_is_what_the_standard_says(challenge: str, answer: str):
    own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    digest = DigestAuth(Login("Mufasa", "Circle of Life"), lambda: own)
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    assert digest.asked([f'Digest realm="http-auth@example.org", nonce="{nonce}", {challenge}'])
    assert f'response="{answer}"' in (digest.credentials("GET", "/dir/index.html") or "")


def test_a_server_of_the_older_standard_gets_nothing_of_the_newer():
    digest = DigestAuth(Login("maker", "secret"))
    assert digest.asked(['Basic realm="x"', 'Digest realm="Printer API", nonce="00c0ffee"'])
    said = digest.credentials("GET", "/api/v1/status") or ""
    assert 'response="3cbac994ef05778b9c976c419015d54b"' in said  # RFC 2069: H(H(A1):nonce:H(A2))
    assert not any(word in said for word in ("cnonce", "qop", "nc="))


def test_a_login_that_was_refused_is_not_tried_again_unless_its_challenge_was_stale():
    digest = DigestAuth(Login("maker", "secret"))
    assert digest.credentials("GET", "/") is None
    for stale, again in (("", True), (", stale=true", True), ("", False)):
        assert digest.asked([f'Digest realm="Printer API", nonce="00c0ffee"{stale}']) is again
        digest.credentials("GET", "/")
