"""Far ends that any test may ask for."""

pytest_plugins = ["tests.farend.postgres"]
