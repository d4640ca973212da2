"""`provisioner serve`: the settings with the command line's say on top, then the service."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provisioner.core.errors import Invalid

if TYPE_CHECKING:
    from provisioner.config import Settings


@click.command(short_help="Answer netboot, HTTP and API requests until stopped")
@click.option("--state-dir", type=click.Path(path_type=Path, file_okay=False), help="Database, keys, images.")
@click.option(
    "--interface",
    "interfaces",
    multiple=True,
    metavar="NAME",
    help="Interface to serve; shell patterns allowed; may be repeated.",
)
@click.option("--libvirt-uri", metavar="URI", help="The host that guests are created on.")
@click.option("--api-address", metavar="ADDRESS", help="Where the API and the dashboard listen.")
@click.option("--api-port", type=click.IntRange(1, 65535), help="Port of the API and the dashboard.")
@click.option("--http-port", type=click.IntRange(1, 65535), help="Port of the guests' HTTP.")
@click.option("--dhcp-port", type=click.IntRange(1, 65535), help="Port of ProxyDHCP.")
@click.option("--proxy-port", type=click.IntRange(1, 65535), help="Port of PXE boot server discovery.")
@click.option("--tftp-port", type=click.IntRange(1, 65535), help="Port of TFTP.")
@click.option("--syslog-port", type=click.IntRange(1, 65535), help="Port of the installers' logs.")
def serve(**options: Any) -> None:
    """Answer netboot, HTTP and API requests until stopped.

    Settings come from /etc/provisioner/provisioner.toml (or the file that PROVISIONER_CONFIG names), then
    from PROVISIONER_* variables, then from these options.
    """
    from provisioner.cli.sockets import check_free
    from provisioner.wiring.service import serve as run

    settings = load(**{name: value for name, value in options.items() if value})
    check_free(settings)
    run(settings)


def load(**overrides: Any) -> "Settings":
    """The settings in force. Raises Invalid naming the setting that is wrong."""
    import tomllib

    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from provisioner.config import Settings

    given: dict[str, Any] = {k: list(v) if isinstance(v, tuple) else v for k, v in overrides.items()}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "settings"
        raise Invalid(
            f"setting {name}: {first['msg'][:1].lower()}{first['msg'][1:]}",
            remedy="the settings and their meaning are in docs/settings.md",
        ) from None
    except SettingsError as error:
        raise Invalid(
            f"a setting in the environment is not JSON: {error}",
            remedy="write lists and tables there as JSON, as in PROVISIONER_INTERFACES='[\"virbr0\"]'",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"the configuration file is not readable as TOML: {error}") from None
