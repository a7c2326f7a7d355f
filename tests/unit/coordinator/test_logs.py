import io
import json
import logging

import pytest
import structlog

from coordinator import logs


@pytest.fixture(autouse=True)
def _own_logging():
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = handlers, level
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_one_readable_line_each():
    out = Terminal()
    logs.configure("auto", "info", out)
    structlog.get_logger("link").warning("refused a message", code="malformed", why="not a message")
    line = out.getvalue()
    assert line.count("\n") == 1
    assert line[8:] == ' warning link: refused a message code=malformed why="not a message"\n'


def test_elsewhere_each_line_is_an_object():
    out = io.StringIO()
    logs.configure("auto", "info", out)
    structlog.get_logger("link").info("linked", url="mqtts://b:8883", agents=3)
    found = json.loads(out.getvalue())
    assert {key: found[key] for key in ("event", "level", "logger", "url", "agents")} == {
        "event": "linked",
        "level": "info",
        "logger": "link",
        "url": "mqtts://b:8883",
        "agents": 3,
    }
    assert found["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_never_get_there(form):
    out = io.StringIO()
    logs.configure(form, "info", out)
    log = structlog.get_logger("web")
    log.info(
        "in",
        password="hunter2",
        api_key="hunter2",
        Authorization="Bearer hunter2",
        nested={"token": "hunter2", "list": [{"secret": "hunter2"}]},
        database="postgresql+psycopg://muster:hunter2@db/muster",
    )
    logging.getLogger("sqlalchemy").warning("can't reach %s", "postgresql://muster:hunter2@db/muster")
    assert "hunter2" not in out.getvalue()
    assert "muster:(hidden)@db/muster" in out.getvalue()


def test_nobody_can_forge_a_line():
    out = io.StringIO()
    logs.configure("text", "info", out)
    structlog.get_logger("desk").info("said\nnow", why="full\n12:00:00 info all is well\x1b[2J")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_comes_with_its_traceback(form):
    out = io.StringIO()
    logs.configure(form, "info", out)
    try:
        {}["gone"]
    except KeyError:
        structlog.get_logger("desk").exception("could not")
    assert "Traceback" in out.getvalue()
    assert "KeyError: 'gone'" in out.getvalue()


def test_the_level_holds_for_us_and_for_libraries():
    out = io.StringIO()
    logs.configure("text", "warning", out)
    structlog.get_logger("desk").info("small")
    logging.getLogger("uvicorn.error").info("small")
    logging.getLogger("uvicorn.error").warning("%s thing", "large")
    assert "small" not in out.getvalue()
    assert "uvicorn.error: large thing" in out.getvalue()
    logs.configure("text", "debug", out)
    logging.getLogger("amqtt.broker").info("small")
    structlog.get_logger("desk").debug("tiny")
    assert "small" not in out.getvalue()
    assert "tiny" in out.getvalue()
