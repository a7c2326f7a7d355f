"""What the whole session shares: far ends that any test may ask for, and their end."""

from tests.farend import moonraker, octoprint, prusalink

pytest_plugins = ["tests.farend.postgres"]


def pytest_sessionfinish() -> None:
    octoprint.end_shared()
    moonraker.end_shared()
    prusalink.end_shared()
