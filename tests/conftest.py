"""Register what all tests share, see `tests/support/plugin.py`."""

import pytest

pytest_plugins = ["pytester"]


def pytest_configure(config: pytest.Config) -> None:
    """Import it where tests run: a process that only hands them to others starts seconds earlier."""
    distributes = getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput")
    if not distributes:
        config.pluginmanager.import_plugin("tests.support.plugin")
