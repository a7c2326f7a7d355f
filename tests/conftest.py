"""What the whole session shares: far ends that any test may ask for, and how hard hypothesis looks."""

import os
import signal

from hypothesis import HealthCheck, settings

from tests.farend import moonraker, octoprint, prusalink

pytest_plugins = ["tests.farend.postgres", "tests.leftovers"]

# A busy machine is slow, which is no failure: nothing here is timed. `long` looks thousands of times.
settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "long", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=5000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure() -> None:
    # A shell's job in the background hands down that Ctrl-C is ignored; what the tests start must hear it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish() -> None:
    octoprint.SHARED.close()
    moonraker.SHARED.close()
    prusalink.SHARED.close()
