"""The keys of Ubuntu's autoinstall, and what each holds.

Source: subiquity's reference manual of the autoinstall configuration, and its published schema.
"""

from provisioner.answers.shape import (
    ANY,
    INTEGER,
    LIST,
    OPEN,
    TEXT,
    TRUTH,
    WORD,
    Shape,
    list_of,
    map_of,
    one_of,
)

COMMANDS = list_of(Shape(("text", "list"), items=WORD))
"""A text is run by `sh -c`, a list as it is."""
COMMAND_LISTS = ("early-commands", "late-commands", "error-commands")
_TEXT_OR_NOTHING = Shape(("text", "nothing"))
_TRUTH_OR_NOTHING = Shape(("truth", "nothing"))
_NETPLAN = map_of(
    {
        "version": INTEGER,
        "renderer": one_of("networkd", "NetworkManager"),
        **dict.fromkeys(("ethernets", "wifis", "bridges", "bonds", "tunnels", "vlans", "vrfs"), OPEN),
        **dict.fromkeys(("dummy-devices", "modems", "nm-devices", "openvswitch", "virtual-ethernets"), OPEN),
    },
    "version",
)
_ACTION = map_of(
    {
        "type": one_of(
            *("disk", "partition", "format", "mount", "lvm_volgroup", "lvm_partition", "dm_crypt", "raid"),
            *("bcache", "dasd", "zpool", "zfs", "image", "device", "nvme_controller", "multipath"),
        ),
        "id": WORD,
    },
    "type",
    "id",
    open=True,
)
_STORAGE = map_of(
    {
        "layout": map_of(
            {
                "name": one_of("lvm", "direct", "zfs", "hybrid"),
                "sizing-policy": one_of("scaled", "all"),
                "password": TEXT,
                "mode": TEXT,
                "encrypted": TRUTH,
                "reset-partition": Shape(("truth", "text", "integer")),
                "reset-partition-only": TRUTH,
                "ptable": TEXT,
                "match": Shape(("map", "list")),
            },
            "name",
            open=True,
        ),
        "config": list_of(_ACTION),
        "swap": map_of({"filename": TEXT, "size": WORD, "maxsize": WORD, "force": TRUTH}, open=True),
        "grub": OPEN,
        "version": INTEGER,
    },
)
_APT = map_of(
    {
        "preserve_sources_list": TRUTH,
        "mirror-selection": map_of({"primary": LIST}),
        "primary": LIST,
        "security": LIST,
        "fallback": one_of("abort", "continue-anyway", "offline-install"),
        "geoip": TRUTH,
        "sources": OPEN,
        "disable_components": list_of(TEXT),
        "disable_suites": list_of(TEXT),
        "preferences": LIST,
    },
    open=True,
)
AUTOINSTALL = map_of(
    {
        "version": Shape(("integer",), choices=("1",)),
        "interactive-sections": list_of(TEXT),
        "early-commands": COMMANDS,
        "late-commands": COMMANDS,
        "error-commands": COMMANDS,
        "locale": _TEXT_OR_NOTHING,
        "refresh-installer": map_of({"update": TRUTH, "channel": WORD}),
        "keyboard": map_of(
            {"layout": TEXT, "variant": _TEXT_OR_NOTHING, "toggle": _TEXT_OR_NOTHING}, "layout"
        ),
        "source": map_of({"search_drivers": TRUTH, "id": TEXT}),
        "network": Shape(("map",), keys=dict(_NETPLAN.keys) | {"network": _NETPLAN}),
        "proxy": _TEXT_OR_NOTHING,
        "apt": _APT,
        "storage": _STORAGE,
        "identity": map_of(
            {"realname": TEXT, "username": TEXT, "hostname": TEXT, "password": TEXT, "groups": ANY},
            "username",
            "hostname",
            "password",
        ),
        "active-directory": map_of({"admin-name": TEXT, "domain-name": TEXT}),
        "ubuntu-pro": map_of({"token": TEXT}),
        "ubuntu-advantage": Shape(("map",), keys={"token": TEXT}, old="it is called ubuntu-pro"),
        "ssh": map_of({"install-server": TRUTH, "authorized-keys": list_of(TEXT), "allow-pw": TRUTH}),
        "codecs": map_of({"install": TRUTH}),
        "drivers": map_of({"install": TRUTH}),
        "oem": map_of({"install": Shape(("truth", "text"))}, "install"),
        "snaps": list_of(map_of({"name": TEXT, "channel": WORD, "classic": TRUTH}, "name")),
        "debconf-selections": TEXT,
        "packages": list_of(TEXT),
        "kernel": map_of({"package": TEXT, "flavor": TEXT}),
        "kernel-crash-dumps": map_of({"enabled": _TRUTH_OR_NOTHING}, "enabled"),
        "timezone": TEXT,
        "updates": one_of("security", "all"),
        "shutdown": one_of("reboot", "poweroff"),
        "reporting": Shape(("map",), open=True),
        "user-data": OPEN,
        "zdevs": list_of(map_of({"id": TEXT, "enabled": TRUTH}, "id", "enabled")),
    },
    "version",
)
