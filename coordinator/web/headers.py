"""What every answer tells the browser: run nothing but ours, guess nothing, keep nothing, tell nobody."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Under `no-referrer` browsers send `Origin: null` with a form, which would blind the cross-site check.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def add(headers: MutableHeaders, path: str) -> None:
    """Add to the headers of an answer what stands above; `path` is what was asked for."""
    headers.update(HEADERS)
    if path.startswith("/t/"):
        headers["Referrer-Policy"] = "no-referrer"  # the path is the hospital's key
    if path.startswith("/static/"):
        headers["Cache-Control"] = "no-cache"  # kept, but asked for again by its ETag: a new version shows


def sent(send: Send, path: str) -> Send:
    """`send`, with these headers on whatever is answered."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            add(MutableHeaders(scope=message), path)
        await send(message)

    return guarded
