"""Our cookies: read by no script, sent to no other site; over HTTPS bound to this host by their names."""

from fastapi import Request
from fastapi.responses import Response

SESSION = "muster"
"""The session's token."""
DEVICE = "muster-device"
"""That this browser was let in before: nobody elsewhere can make it wait."""
LINK = "muster-link"
"""A new need's tracking link, on its way over the redirect to the page that shows it once."""


def read(request: Request, name: str) -> str:
    """What a cookie holds; empty where there is none."""
    return request.cookies.get(_named(request, name), "")


def put(
    request: Request, response: Response, name: str, value: str, *, seconds: int, path: str = "/"
) -> None:
    """Have the browser keep a cookie."""
    response.set_cookie(
        _named(request, name, path),
        value,
        max_age=seconds,
        path=path,
        httponly=True,
        samesite="strict",
        secure=request.state.secure,
    )


def drop(request: Request, response: Response, name: str, path: str = "/") -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(
        _named(request, name, path), path=path, httponly=True, samesite="strict", secure=request.state.secure
    )


def _named(request: Request, name: str, path: str = "/") -> str:
    """`__Host-` demands HTTPS and the path `/`."""
    return f"__Host-{name}" if request.state.secure and path == "/" and name != LINK else name
