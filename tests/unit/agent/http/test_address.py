import pytest

from agent.http.address import AddressError, Login, is_loopback, parse, parse_private, redacted


def test_an_address_is_read_in_its_parts():
    address = parse("https://maker:s%40cret@Printer.local:8443/octoprint/")
    assert (address.scheme, address.host, address.port) == ("https", "printer.local", 8443)
    assert (address.path, address.login) == ("/octoprint", Login("maker", "s@cret"))
    assert address.origin == "https://Printer.local:8443"


@pytest.mark.parametrize(("url", "port"), [("http://a", 80), ("https://a", 443), ("http://[::1]:81", 81)])
def test_a_scheme_has_its_port(url: str, port: int):
    assert parse(url).port == port


def test_a_name_of_other_letters_is_sent_as_dns_knows_it():
    assert parse("http://drucker-küche.local:81").place == "xn--drucker-kche-llb.local:81"


@pytest.mark.parametrize(
    "url", ["", "a.local", "ftp://a", "http://", "http://a:b", "http://[", "http://ex ample/", "file:///a"]
)
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(AddressError):
        parse(url)


@pytest.mark.parametrize("url", ["ftp://maker:secret@a", "http://maker:secret@[", "http://maker:secret@a:b"])
def test_no_refusal_holds_a_password(url: str):
    for read in (parse, parse_private):
        with pytest.raises(AddressError) as error:
            read(url)
        assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["http://a.example", "https://maker:secret@a.example", "ftp://127.0.0.1"])
def test_where_somebody_could_listen_nothing_private_is_said(url: str):
    with pytest.raises(AddressError) as error:
        parse_private(url)
    assert "secret" not in str(error.value)


def test_this_machine_may_be_spoken_to_in_the_open():
    for url in ("http://127.0.0.1:8000", "http://localhost", "http://[::1]:1", "https://a.example"):
        assert parse_private(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://a/b@c", "http://a/b@c"),
        ("http://me:x@a/b", "http://a/b"),
        ("http://me:p@ss@a", "http://a"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_login_is_not_shown(url: str, shown: str):
    assert redacted(url) == shown


def test_only_this_machine_is_this_machine():
    assert is_loopback("localhost")
    assert not is_loopback("localhost.example")
