"""Logs: one event a line, for people on a terminal, as JSON elsewhere; libraries' logs take the same way.

What is secret never gets there: values under telling names are left out, and so are passwords inside URLs.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "(hidden)"

_SECRET = re.compile(
    r"(^|_)(password|passwd|secret|token|key|authorization|cookie|invite|csr|signature|nonce)s?$",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]*@")
_QUIET = ("amqtt", "transitions", "apscheduler", "uvicorn.access", "httpx", "httpcore", "asyncio")
"""Libraries that tell of each small thing; of these only warnings are of use."""


def configure(form: str, level: str, stream: TextIO | None = None) -> None:
    """Set logs up for the whole process. `form` is "auto", "text" or "json"; `level` the least shown."""
    output: TextIO = sys.stderr if stream is None else stream
    as_text = form == "text" or (form == "auto" and output.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if as_text else "iso", utc=not as_text),
        structlog.processors.format_exc_info,
        hide,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _line if as_text else structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def hide(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out what is secret, at any depth."""
    return cast("EventDict", _hidden(event))


def _hidden(value: object, name: str = "") -> object:
    if _SECRET.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _hidden(each, str(key)) for key, each in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_hidden(each) for each in cast("list[object]", value)]
    if isinstance(value, str):
        return _IN_URL.sub(rf"\1:{HIDDEN}@", value)
    return value


def _line(_logger: WrappedLogger, _method: str, event: MutableMapping[str, object]) -> str:
    """`12:00:01 warning link: refused a message topic=… code=malformed`, and a traceback below if there is one."""
    at, level, source = (str(event.pop(each, "")) for each in ("timestamp", "level", "logger"))
    what, trace = str(event.pop("event", "")), event.pop("exception", None)
    rest = "".join(f" {key}={_word(value)}" for key, value in event.items())
    below = f"\n{trace}" if trace else ""
    return f"{at} {level:<7} {source}: {_plain(what)}{rest}{below}"


def _word(value: object) -> str:
    text = str(value)
    return _plain(text) if text and " " not in text else json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str:
    """Without line ends and terminal codes, which others could have put there."""
    return text if text.isprintable() else json.dumps(text, ensure_ascii=False)[1:-1]
