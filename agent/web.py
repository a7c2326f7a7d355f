"""HTTP requests to the coordinator: verified, without redirects, and plain only on this machine."""

import ipaddress
import ssl
import urllib.request
from collections.abc import Mapping
from http.client import HTTPResponse
from urllib.parse import urlsplit

from agent.errors import OwnerError

TIMEOUT = 20.0
"""Seconds without a byte, after which a request is given up."""


class WebError(OwnerError):
    """An address that the agent will not speak to. Says why."""


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine, by itself and not by what some resolver says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address.

    Raises:
        WebError: not http(s), or plain http to another machine, where anybody on the way could change it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise WebError(f"not an address: {url!r}") from None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise WebError(f"not an address to speak to: {url!r}")
    if parts.scheme == "http" and not is_loopback(host):
        raise WebError(f"{url} is not encrypted: only https will do between machines")
    return parts.scheme, host, port or {"http": 80, "https": 443}[parts.scheme]


def ask(url: str, *, ca: str = "", data: bytes | None = None, headers: Mapping[str, str]) -> HTTPResponse:
    """GET `url`, or POST `data` to it. `ca` is a certificate in PEM to trust beside the machine's own.

    Raises:
        WebError: see `origin`.
        urllib.error.HTTPError: the answer's status is not 2xx; redirects are not followed.
        OSError: no connection, no trust, or no answer in time.
    """
    scheme, host, _ = origin(url)
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if is_loopback(host):
        handlers.append(urllib.request.ProxyHandler({}))
    if scheme == "https":
        context = ssl.create_default_context()
        if ca:
            context.load_verify_locations(cadata=ca)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(url, data=data, headers=dict(headers))  # noqa: S310  origin() looked
    response = urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT)
    assert isinstance(response, HTTPResponse)
    return response


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Nothing that the coordinator's origin says may send the agent elsewhere."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None
