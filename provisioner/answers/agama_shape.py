"""The keys of Agama's profile, and what each holds.

Source: the JSON schema that Agama publishes (rust/share/profile.schema.json and its neighbours). Parts that
it keeps in files of their own for rare hardware (dasd, zfcp, iscsi) are open here.
"""

from provisioner.answers.shape import (
    ANY,
    INTEGER,
    LIST,
    OPEN,
    TEXT,
    TRUTH,
    Shape,
    list_of,
    map_of,
    one_of,
)

_KEYS = Shape(("text", "list"), items=TEXT)
_SCRIPT = {
    "name": TEXT,
    "content": TEXT,
    "url": TEXT,
    "body": Shape(("text",), old="it is called content"),
}
_FILE = {
    "destination": TEXT,
    "content": TEXT,
    "url": TEXT,
    "user": TEXT,
    "group": TEXT,
    "permissions": TEXT,
}
_CONNECTION = {
    **dict.fromkeys(("id", "interface", "customMacAddress", "macAddress", "gateway4", "gateway6"), TEXT),
    "mtu": INTEGER,
    "method4": one_of("auto", "manual", "link-local", "disabled"),
    "method6": one_of("auto", "manual", "dhcp", "link-local", "shared", "disabled"),
    "addresses": list_of(TEXT),
    "nameservers": list_of(TEXT),
    "dnsSearchList": list_of(TEXT),
    "dnsSearchlist": Shape(("list",), items=TEXT, old="it is called dnsSearchList"),
    "ignoreAutoDns": TRUTH,
    "status": one_of("up", "down", "keep", "removed"),
    "autoconnect": TRUTH,
    "persistent": TRUTH,
    "wireless": OPEN,
    "bond": map_of({"mode": TEXT, "options": TEXT, "ports": list_of(TEXT)}, open=True),
    "bridge": OPEN,
    "match": OPEN,
    "ieee-8021x": OPEN,
    "vlan": map_of(
        {
            "id": INTEGER,
            "parent": TEXT,
            "protocol": one_of("802.1Q", "802.1ad"),
            "flags": list_of(TEXT),
        },
        "id",
        "parent",
    ),
}
_PRODUCT = map_of(
    {
        **dict.fromkeys(("id", "mode", "registrationCode", "registrationEmail", "registrationUrl"), TEXT),
        "addons": list_of(map_of({"id": TEXT, "version": TEXT, "registrationCode": TEXT}, "id")),
    },
    "id",
)
_REPOSITORY = map_of(
    {
        **dict.fromkeys(("alias", "url", "name", "productDir"), TEXT),
        "priority": INTEGER,
        "enabled": TRUTH,
        "allowUnsigned": TRUTH,
        "gpgFingerprints": list_of(TEXT),
    }
)
_PATTERNS = Shape(("list", "map"), keys={"add": list_of(TEXT), "remove": list_of(TEXT)}, items=TEXT)
_ACCOUNT = {
    "password": TEXT,
    "hashedPassword": TRUTH,
    "sshPublicKey": _KEYS,
    "sshPublicKeys": _KEYS,
}
SCRIPTS = ("pre", "postPartitioning", "post", "init")
AGAMA = map_of(
    {
        "$schema": TEXT,
        "files": list_of(map_of(_FILE, "destination")),
        "scripts": map_of(
            {
                "pre": list_of(map_of(_SCRIPT, "name")),
                "postPartitioning": list_of(map_of(_SCRIPT, "name")),
                "post": list_of(map_of(_SCRIPT | {"chroot": TRUTH}, "name")),
                "init": list_of(map_of(_SCRIPT, "name")),
            }
        ),
        "bootloader": map_of(
            {"stopOnBootMenu": TRUTH, "timeout": INTEGER, "extraKernelParams": TEXT, "updateNvram": TRUTH}
        ),
        "dasd": ANY,
        "zfcp": ANY,
        "iscsi": ANY,
        "hostname": map_of({"static": TEXT, "transient": TEXT}),
        "proxy": map_of(
            {
                "enabled": TRUTH,
                **dict.fromkeys(("httpProxy", "httpsProxy", "ftpProxy", "gopherProxy", "socksProxy"), TEXT),
                **dict.fromkeys(("socks5Server", "noProxy"), TEXT),
            }
        ),
        "ntp": map_of({"sources": LIST}, open=True),
        "security": map_of({"sslCertificates": LIST}),
        "software": map_of(
            {
                "patterns": _PATTERNS,
                "packages": list_of(TEXT),
                "onlyRequired": TRUTH,
                "extraRepositories": list_of(_REPOSITORY),
            }
        ),
        "questions": map_of({"policy": one_of("auto", "user"), "answers": LIST}),
        "product": _PRODUCT,
        "network": map_of({"state": OPEN, "connections": list_of(map_of(_CONNECTION, "id"))}),
        "user": map_of(_ACCOUNT | {"fullName": TEXT, "userName": TEXT}, "fullName", "userName", "password"),
        "root": map_of(_ACCOUNT),
        "l10n": map_of({"locale": TEXT, "keymap": TEXT, "timezone": TEXT}),
        "localization": map_of({"language": TEXT, "keyboard": TEXT, "timezone": TEXT}),
        "storage": Shape(
            ("map",),
            keys={
                **dict.fromkeys(("drives", "volumeGroups", "mdRaids"), LIST),
                **dict.fromkeys(("boot", "guided"), OPEN),
                "nfsMounts": LIST,
            },
        ),
        "legacyAutoyastStorage": list_of(OPEN),
        "access": map_of({"ssh": one_of("enabled", "default"), "webConsole": one_of("enabled", "default")}),
    }
)
