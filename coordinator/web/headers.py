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

KEYS = ("/t/", "/m/", "/api/track/", "/api/maker/", "/login/", "/files/")
"""What stands below these is a secret: the path is the key of who has it."""


def shown(path: str) -> str:
    """A path as it may be said aloud: without what is a key in it."""
    return next((f"{start}…" for start in KEYS if path.startswith(start)), path)


def add(headers: MutableHeaders, path: str) -> None:
    """Add to the headers of an answer what stands above; `path` is what was asked for."""
    headers.update(HEADERS)
    if path.startswith(KEYS):
        headers["Referrer-Policy"] = "no-referrer"
    if path.startswith("/static/"):
        headers["Cache-Control"] = "no-cache"  # kept, but asked for again by its ETag: a new version shows


def sent(send: Send, path: str) -> Send:
    """`send`, with these headers on whatever is answered."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            add(MutableHeaders(scope=message), path)
        await send(message)

    return guarded
