"""OctoPrint's REST interface, as octorest forms its requests; the only file that knows octorest.

octorest 0.4 takes what sends its requests from whoever uses it. What is broken in it is mended here:

- it sets no time-outs: its `requests` session sends by our own client, so that each request ends with its call;
- its errors are a bare RuntimeError, or what `requests` raises: here each is a `PrinterError` that helps;
- `upload` sends its fields as JSON beside the file, which `requests` drops, and has no bound: files go by
  `UPLOAD`, in slices of time, so that a slow machine may take long and is looked at meanwhile;
- it forgets the path of the server's address (OctoPrint behind a reverse proxy): our client puts it back;
- given a key, its constructor already calls the server: our client adds the key instead.
"""

import io
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import msgspec
import requests
from octorest import OctoRest
from requests.adapters import BaseAdapter

from agent.http.body import BytesBody
from agent.http.status import HTTPStatus
from agent.printers.driver import PrinterError
from agent.printers.octoprint import answers
from agent.printers.server.client import ServerClient, ServerRefusedError
from agent.printers.server.paths import FOLDER

UPLOAD = ("POST", "/api/files/local")

_JSON = {"Content-Type": "application/json"}

Shape = TypeVar("Shape")


class OctoPrintRest:
    """What is asked of one OctoPrint. Paths are those of files in its local storage.

    Each call raises `ServerRefusedError` where OctoPrint says no, and `PrinterError` where it is out of reach or
    answers in a way that is not known.
    """

    def __init__(self, client: ServerClient) -> None:
        """Make no contact yet."""
        session = requests.Session()
        session.trust_env = False  # no proxy, and no password of a .netrc
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(client))
        self._client = client
        self._rest = cast("_Octorest", OctoRest(url=client.origin, session=session))

    def version(self) -> str:
        """OctoPrint's version."""
        return self._read(answers.OctoPrintVersion, self._rest.get_version).server

    def job(self) -> answers.OctoPrintJob:
        """What is selected, and how far it is."""
        return self._read(answers.OctoPrintJob, self._rest.job_info)

    def printer(self) -> answers.OctoPrintPrinterState | None:
        """The printer's state and heat; None while OctoPrint has no printer."""
        try:
            return self._read(answers.OctoPrintPrinterState, lambda: self._rest.printer(exclude=["sd"]))
        except ServerRefusedError as refusal:
            if refusal.code == HTTPStatus.CONFLICT:
                return None
            raise

    def files(self) -> list[answers.OctoPrintFile]:
        """Our files; none where the folder is not there."""
        try:
            return self._read(answers.OctoPrintFolder, lambda: self._rest.files(f"local/{FOLDER}")).children
        except ServerRefusedError as refusal:
            if refusal.code == HTTPStatus.NOT_FOUND:
                return []
            raise

    def select_and_print(self, path: str) -> None:
        """Select a file and print it in one request, so that no other selection comes between."""
        self._rest.select(f"local/{path}", print=True)

    def delete(self, path: str) -> None:
        """Delete a file."""
        self._rest.delete(f"local/{path}")

    def pause(self) -> None:
        """Pause the job; OctoPrint first lets the printer finish what it has."""
        self._rest.pause()

    def resume(self) -> None:
        """Go on with it."""
        self._rest.resume()

    def cancel(self) -> None:
        """Cancel it; OctoPrint's own script for cancelled prints runs."""
        self._rest.cancel()

    def cool(self) -> None:
        """Set the targets of nozzle and bed to 0."""
        self._rest.tool_target(0)
        self._rest.bed_target(0)

    def _read(self, shape: type[Shape], ask: Callable[[], object]) -> Shape:
        try:
            return msgspec.convert(ask(), shape)
        except requests.JSONDecodeError as error:
            raise PrinterError(
                f"what answers at {self._client.origin} is not OctoPrint, or it is still starting"
            ) from error
        except msgspec.ValidationError as error:
            raise PrinterError(f"OctoPrint answers in a way that is not known: {error}") from error


class _Adapter(BaseAdapter):
    """Sends what `requests` has prepared by our client, which refuses what is not a good answer."""

    def __init__(self, client: ServerClient) -> None:
        super().__init__()
        self._client = client

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        body = request.body or b""
        assert isinstance(body, bytes | str)  # octorest's orders are small
        content = BytesBody(body.encode() if isinstance(body, str) else body)
        answer = self._client.ask(
            request.method or "GET", request.path_url, body=content, headers=_JSON if body else {}
        )
        response = requests.Response()
        response.status_code, response.reason = answer.status, answer.reason
        response.url, response.request = self._client.origin, request
        response.raw = io.BytesIO(answer.content)
        return response

    def close(self) -> None:
        pass


class _Octorest(Protocol):
    """The part of octorest that is used here; it has no types of its own."""

    def get_version(self) -> object: ...
    def job_info(self) -> object: ...
    def printer(self, *, exclude: list[str]) -> object: ...
    def files(self, location: str) -> object: ...
    def select(self, location: str, *, print: bool) -> None: ...  # noqa: A002 - octorest's own word
    def delete(self, location: str) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def cancel(self) -> None: ...
    def tool_target(self, targets: float) -> None: ...
    def bed_target(self, target: float) -> None: ...
