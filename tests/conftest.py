"""What the whole session shares."""

from tests.farend import octoprint


def pytest_sessionfinish() -> None:
    octoprint.end_shared()
