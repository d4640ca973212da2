"""Settings: defaults, then /etc/provisioner/provisioner.toml (or PROVISIONER_CONFIG), then PROVISIONER_*."""

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from provisioner import state
from provisioner.core.host import is_session
from provisioner.core.loaders import FOLDERS

Deadline = int | Literal["learnt"]


def _libvirt_uri() -> str:
    return os.environ.get("LIBVIRT_DEFAULT_URI", "qemu:///system")


class HostSetting(BaseModel):
    """A host of the settings as a table, for one whose URI is unsafe and allowed all the same."""

    model_config = ConfigDict(extra="forbid")

    uri: str
    allow_unsafe: bool = False
    at_once: int | None = Field(None, ge=0)


class Settings(BaseSettings):
    """Every setting is named in docs/settings.md; a test holds the two together."""

    model_config = SettingsConfigDict(env_prefix="PROVISIONER_", extra="forbid")

    state_dir: Path = Field(
        Path("/var/lib/provisioner"), description="database, keys, images, trees, serial logs"
    )
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the state directory")
    libvirt_uri: str = Field(default_factory=_libvirt_uri, description="the host that guests are created on")
    hosts: dict[str, str | HostSetting] = Field(
        default_factory=dict,
        description="further hosts: name = libvirt URI, or a table with uri, allow_unsafe, at_once",
    )
    at_once: int = Field(
        16, ge=0, description="guests of a host that load at a time, the others wait; 0: no limit"
    )
    interfaces: list[str] = Field(
        ["virbr0"], description="interfaces that netboot and guests' HTTP answer on; shell patterns allowed"
    )
    netboot: bool = Field(
        True, description="answer DHCP and TFTP there; false: the guests' HTTP and installer logs alone"
    )
    unknown_machines: Literal["ignore", "discover"] = Field(
        "ignore", description="netboot questions of machines that nobody named; discover: register them"
    )
    http_port: int = Field(8080, description="guests' listener, on the addresses of the interfaces")
    guest_address: str = Field("", description="address by which guests on other hosts reach this one")
    api_address: str = Field("127.0.0.1", description="people's listener: API, events, dashboard")
    api_port: int = Field(8081, description="people's listener")
    dhcp_port: int = Field(67, description="ProxyDHCP")
    proxy_port: int = Field(4011, description="PXE boot server discovery")
    tftp_port: int = Field(69, description="TFTP")
    tftp_window: int = Field(64, ge=1, le=64, description="most TFTP blocks that are sent at once")
    tftp_timeout: bool = Field(
        False, description="let TFTP clients set their own timer, in whole seconds (RFC 2349)"
    )
    tftp_rollover: int = Field(0, ge=0, le=1, description="what follows TFTP block 65535")
    syslog_port: int = Field(5514, description="installer logs, UDP and TCP")
    loader_dirs: list[Path] = Field(
        list(map(Path, FOLDERS)),
        description="where loaders are looked for, after loaders in the state directory",
    )
    media_dirs: list[Path] = Field(
        [Path("/var/lib/libvirt/images")],
        description="where ISO and disk images may be read from, beside media in the state directory",
    )
    template_dir: Path | None = Field(
        None, description="answer templates of one's own; empty: kickstarts in the state directory"
    )
    host_variables: dict[str, dict[str, object]] = Field(
        default_factory=dict, description="variables of answer files by host: [host_variables.local]"
    )
    region: str = Field("", description="address above the archives of a mirror nearby; empty: the makers'")
    mirrors: dict[str, str] = Field(
        default_factory=dict, description="mirrors of single archives: name = address"
    )
    mirror_dir: Path | None = Field(
        None, description="what is kept of trees; empty: mirror in the state directory"
    )
    mirror_quota: int = Field(
        0, ge=0, description="most bytes that are kept of all trees; 0: as many as the disk takes"
    )
    mirror_connections: int = Field(
        16, ge=0, description="most connections to one upstream host at a time; 0: no limit"
    )
    mirror_bandwidth: int = Field(
        0, ge=0, description="most bytes a second that one upstream host is asked for; 0: no limit"
    )
    mirror_offline: bool = Field(False, description="ask no upstream for any tree; serve what is kept")
    mirror_scrub: int = Field(
        8_000_000, ge=0, description="bytes a second at which kept files are read and checked; 0: never"
    )
    router_advertisement: bool = Field(
        True, description="send an empty router advertisement where there is none"
    )
    token_minutes: int = Field(60, description="life of an install's tokens after its last proof of life")
    creating_seconds: Deadline = Field("learnt", description="deadline of the stage creating")
    booting_seconds: Deadline = Field("learnt", description="deadline of the stage booting")
    loading_seconds: Deadline = Field("learnt", description="deadline of the stage loading")
    installing_seconds: Deadline = Field("learnt", description="most silence in the stage installing")
    settle_seconds: int = Field(180, description="success report to installed where no reboot is seen")
    evidence_days: int = Field(
        30, ge=1, description="how long logs, consoles' ends and screens of ended installs are kept"
    )
    evidence_quota: int = Field(
        512 * 1024 * 1024, ge=0, description="most bytes of those; the oldest make room"
    )

    @model_validator(mode="after")
    def _as_an_ordinary_user(self) -> "Settings":
        """What is not said is what this user can do without any right."""
        data = state.user_data()
        mine = {
            "state_dir": data / "provisioner",
            "interfaces": ["lo"],
            "netboot": False,
            "media_dirs": [data / "libvirt/images"],
        }
        for name, value in mine.items() if self.rootless else ():
            if name not in self.model_fields_set:
                setattr(self, name, value)
        return self

    @property
    def rootless(self) -> bool:
        """Whether guests are those of an ordinary user's own libvirt."""
        return is_session(self.libvirt_uri) and os.geteuid() != 0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = Path(os.environ.get("PROVISIONER_CONFIG", "/etc/provisioner/provisioner.toml"))
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file))

    @property
    def templates(self) -> Path:
        return self.template_dir or self.state_dir / "kickstarts"

    @property
    def mirror_folder(self) -> Path:
        return self.mirror_dir or self.state_dir / "mirror"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.state_dir / 'provisioner.db'}"
