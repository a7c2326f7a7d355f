"""What every answer tells the browser: run nothing but ours, guess nothing, keep nothing, tell nobody."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ("camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=()"),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SECURE = {"Strict-Transport-Security": "max-age=31536000"}
"""Where the browser came over HTTPS."""

KEYS = ("/t/", "/m/", "/api/track/", "/api/maker/", "/login/", "/files/")
"""What stands below these is a secret: the path is the key of who has it."""


def shown(path: str) -> str:
    """A path as it may be said aloud: without what is a key in it."""
    return next((f"{start}…" for start in KEYS if path.startswith(start)), path)


def add(headers: MutableHeaders, path: str, *, secure: bool) -> None:
    """Add to the headers of an answer what stands above; `path` is what was asked for."""
    headers.update(HEADERS)
    if secure:
        headers.update(SECURE)
    if path == "/login" or path.startswith("/login/"):
        # Under `no-referrer` browsers send `Origin: null` with a form, and nobody has a token for it yet here.
        headers["Referrer-Policy"] = "same-origin"
    if path.startswith("/static/"):
        headers["Cache-Control"] = "no-cache"  # kept, but asked for again by its ETag: a new version shows


def sent(send: Send, path: str, *, secure: bool) -> Send:
    """`send`, with these headers on whatever is answered."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            add(MutableHeaders(scope=message), path, secure=secure)
        await send(message)

    return guarded
