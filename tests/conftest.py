"""What every test relies on: no settings from outside, no clock for properties, the templates loaded."""

import os
from pathlib import Path

import jinja2
import pytest
from hypothesis import HealthCheck, settings

for _name in [
    name for name in os.environ if name.startswith("PROVISIONER_") or name == "LIBVIRT_DEFAULT_URI"
]:
    del os.environ[_name]

# How fast an example is made is the machine's matter.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

LOADED: set[Path] = set()
"""Every template file that Jinja loaded in this run; tests/test_house.py compares it with what is shipped."""

_get_source = jinja2.FileSystemLoader.get_source


def _recording(self: jinja2.FileSystemLoader, environment: jinja2.Environment, template: str):  # type: ignore[no-untyped-def]
    found = _get_source(self, environment, template)
    LOADED.add(Path(found[1]).resolve())
    return found


jinja2.FileSystemLoader.get_source = _recording  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def loaded_templates(request: pytest.FixtureRequest) -> set[Path]:
    """Skips where only some tests run: only a whole run has loaded everything."""
    config = request.config
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword:
        pytest.skip("only a run of all tests can tell")
    return LOADED
