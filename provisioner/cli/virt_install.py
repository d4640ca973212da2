"""A command line of virt-install as one of ours, and what of it could not be taken over.

Source: virt-install(1). Its options are read by their names and whether they take a value; what they stand
for is decided one by one, and whatever nobody decided on is told.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from provisioner.cli.virt_install_words import words_of
from provisioner.core.errors import Invalid
from provisioner.core.guest import BUSES, Disk, Nic, parse_boot
from provisioner.core.machine import check_name, normalise_mac, normalise_uuid
from provisioner.core.options import parse_suboptions
from provisioner.core.osinfo import parse_osinfo

_NEEDLESS = {
    "--noautoconsole": "a guest's console is opened by provisioner guest console alone",
    "--autoconsole": "a guest's console is opened by provisioner guest console",
    "--hvm": "every guest is one",
    "--accelerate": "KVM is used wherever it works",
    "--virt-type": "KVM is used wherever it works, and said where not",
    "--arch": "it is the tree's",
    "--machine": "it is q35 where the host has it",
    "--console": "every guest has a serial console",
    "--serial": "every guest has a serial console, and its log is kept",
    "--quiet": "results alone are printed",
    "--debug": "provisioner install show --events tells what happened",
    "--os-type": "it is told by --osinfo",
    "--rng": "every guest has one",
}


@dataclass
class Adopted:
    """`words` are the options of `provisioner guest create`; `left` tells what was not taken, and why."""

    name: str = ""
    words: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    profile: bool = False

    @property
    def command(self) -> str:
        """The command, to be pasted into a shell."""
        return " ".join(map(shlex.quote, ["provisioner", "guest", "create", self.name, *self.words]))

    def take(self, option: str, value: str = "") -> None:
        self.words += [option, value] if value else [option]

    def leave(self, what: str, why: str) -> None:
        self.left.append(f"{what}: {why}")


def adopt(command: str) -> Adopted:
    """Raises Invalid for what is no command of virt-install, or names a thing in a way that is none."""
    options = words_of(command)
    made = Adopted()
    given = {option for option, _ in options}
    for option, value in options:
        take = _TAKEN.get(option)
        if take is not None:
            take(made, value, given)
        elif option in _NEEDLESS:
            made.leave(f"{option} {value}".strip(), f"not needed: {_NEEDLESS[option]}")
        else:
            made.leave(f"{option} {value}".strip(), "guests here are not made with it")
    if not made.name:
        raise Invalid("the command names no guest", remedy="add --name NAME")
    if not {"--location", "--cdrom", "--import"} & given:
        made.profile = True
        made.take("--profile", "PROFILE")
    return made


def _name(made: Adopted, value: str, given: set[str]) -> None:
    try:
        made.name = check_name(value, "guest name")
    except Invalid:
        made.name = re.sub(r"[^a-z0-9.-]+", "-", value.lower()).strip("-.")[:63]
        check_name(made.name, "guest name")
        made.notes.append(f"the name {value} becomes {made.name}: names here are host names")


def _memory(made: Adopted, value: str, given: set[str]) -> None:
    pairs = _pairs(value, "memory")
    number = pairs.pop("memory", "") or pairs.pop("currentMemory", "")
    if not number.isdigit():
        raise Invalid(f"--memory {value!r} is not a number of MiB")
    made.take("--memory", number)
    _rest(made, "--memory", pairs, "memory is fixed")


def _vcpus(made: Adopted, value: str, given: set[str]) -> None:
    pairs = _pairs(value, "vcpus")
    number = pairs.pop("vcpus", "") or pairs.pop("maxvcpus", "")
    if not number.isdigit():
        raise Invalid(f"--vcpus {value!r} is not a number")
    made.take("--vcpus", number)
    _rest(made, "--vcpus", pairs, "the topology is the host's choice")


def _cpu(made: Adopted, value: str, given: set[str]) -> None:
    model, _, rest = value.partition(",")
    made.take("--cpu", model.removeprefix("model=").removeprefix("mode="))
    if rest:
        made.leave(f"--cpu …,{rest}", "features are the model's")


def _osinfo(made: Adopted, value: str, given: set[str]) -> None:
    pairs = _pairs(value, "name")
    name = pairs.get("name") or pairs.get("short-id") or ""
    if not name or name in ("detect", "generic", "none", "auto"):
        made.leave(f"--osinfo {value}", "it is told by the tree")
        return
    try:
        made.take("--osinfo", parse_osinfo(name))
    except Invalid as error:
        made.leave(f"--osinfo {value}", str(error))


def _disk(made: Adopted, value: str, given: set[str]) -> None:
    pairs = _pairs(value, "path")
    path, size = pairs.pop("path", ""), pairs.pop("size", "")
    if value == "none" or path == "none":
        made.leave("--disk none", "a guest has a disk; give it one with --disk size=GIB")
        return
    if pairs.get("device") in ("cdrom", "floppy"):
        if path and pairs["device"] == "cdrom" and not {"--cdrom", "--location"} & given:
            made.take("--cdrom", path)
        else:
            made.leave(f"--disk {value}", "further drives are not made")
        return
    words = [f"{key}={pairs.pop(key)}" for key in ("vol", "pool", "format", "bus", "cache") if key in pairs]
    if path and "--import" in given and not any(word.startswith("vol=") for word in words):
        words.insert(0, path)
        made.notes.append(f"{path} is copied: the guest does not write into the file itself")
    elif path:
        made.leave(
            f"path={path}", "volumes are named by us, in a pool; pool=NAME chooses another than default"
        )
    if size and not any(word.startswith("vol=") for word in words):
        words.append(f"size={size}")
    if not any(word.startswith(("size=", "vol=")) or word == path for word in words):
        made.leave(f"--disk {value}", "a disk that exists is taken as vol=POOL/VOLUME")
        return
    if pairs.get("device") == "disk":
        del pairs["device"]
    _checked(made, "--disk", ",".join(words), Disk.parse, given, value)
    _rest(made, "--disk", pairs, f"disks take size, pool, format, bus ({', '.join(BUSES)}), vol and cache")


def _network(made: Adopted, value: str, given: set[str]) -> None:
    if value == "none":
        made.leave("--network none", "a guest has a network card: its installer is fetched by it")
        return
    for old in ("network", "bridge"):
        value = re.sub(rf"^{old}:", f"{old}=", value)
    if value == "default":
        value = "network=default"
    pairs = _pairs(value, "network")
    known = ("network", "bridge", "type", "source", "source_mode", "source.mode", "mac", "model")
    words = [f"{key}={pairs.pop(key)}" for key in known if key in pairs]
    if words == ["network=user"]:
        words = ["user"]
    if any(word == "mac=RANDOM" for word in words):
        words.remove("mac=RANDOM")
    _checked(made, "--network", ",".join(words), Nic.parse, given, value)
    _rest(made, "--network", pairs, "cards take mac and model")


def _bridge(made: Adopted, value: str, given: set[str]) -> None:
    _network(made, f"bridge={value}", given)


def _boot(made: Adopted, value: str, given: set[str]) -> None:
    words = value.split(",")
    if words[0] in ("uefi", "bios", "hvm"):
        secure = [word for word in words[1:] if word in ("firmware.feature0.name=secure-boot", "secure=on")]
        text = words[0] + (",secure=on" if secure else "")
        parse_boot(text)
        made.take("--boot", text)
        words = [word for word in words[1:] if word not in secure]
    if words:
        made.leave(
            f"--boot {','.join(words)}", "guests boot their disk, and before it is installed the network"
        )


def _location(made: Adopted, value: str, given: set[str]) -> None:
    place, *rest = value.split(",")
    made.take("--location", place)
    if rest:
        made.leave(f"--location …,{','.join(rest)}", "kernel and initrd are told by the tree")


def _extra_args(made: Adopted, value: str, given: set[str]) -> None:
    made.take("--extra-args", value)
    if re.search(r"(^|\s)(inst\.)?ks=|(^|\s)(url|autoyast|inst\.auto)=", value):
        made.notes.append(
            "the answer file that --extra-args names is fetched from where it lies; "
            "provisioner adopt kickstart FILE makes a profile of one"
        )


def _graphics(made: Adopted, value: str, given: set[str]) -> None:
    kind, _, rest = value.partition(",")
    made.take("--graphics", "none" if kind == "none" else "vnc")
    if kind not in ("none", "vnc"):
        made.leave(f"--graphics {kind}", "the screen is by VNC")
    if rest:
        made.leave(f"--graphics …,{rest}", "address and password are given by provisioner guest display")


def _cloud_init(made: Adopted, value: str, given: set[str]) -> None:
    pairs = _pairs(value, "user-data") if value else {}
    if key := pairs.pop("ssh-key", ""):
        made.take("--ssh-key", key)
    words = [
        f"{name}={pairs.pop(name)}" for name in ("user-data", "meta-data", "network-config") if name in pairs
    ]
    made.words.append("=".join(["--cloud-init", ",".join(words)]) if words else "--cloud-init")
    _rest(made, "--cloud-init", pairs, "passwords are given with --root-password-file")


def _mac(made: Adopted, value: str, given: set[str]) -> None:
    if value.upper() != "RANDOM":
        made.take("--mac", normalise_mac(value))


def _wait(made: Adopted, value: str, given: set[str]) -> None:
    if value != "0":
        made.take("--wait")
    if value not in ("", "0", "-1"):
        made.leave(f"--wait {value}", "each stage of an install has its own deadline")


def _print_xml(made: Adopted, value: str, given: set[str]) -> None:
    made.take("--print-xml")
    if value:
        made.leave(f"--print-xml {value}", "both stages are printed by --dry-run")


def _unattended(made: Adopted, value: str, given: set[str]) -> None:
    made.leave(f"--unattended {value}".strip(), "a profile answers the installer: --profile NAME")


def _file_size(made: Adopted, value: str, given: set[str]) -> None:
    _disk(made, f"size={value}", given)


def _file(made: Adopted, value: str, given: set[str]) -> None:
    if "--file-size" in given:
        made.leave(f"--file {value}", "volumes are named by us, in a pool")
    else:
        _disk(made, value, given)


def _same(option: str) -> "_Take":
    def take(made: Adopted, value: str, given: set[str]) -> None:
        made.take(option, value)

    return take


def _uuid(made: Adopted, value: str, given: set[str]) -> None:
    made.take("--uuid", normalise_uuid(value))


_Take = Callable[[Adopted, str, set[str]], None]
_TAKEN: dict[str, _Take] = {
    "--name": _name,
    "--memory": _memory,
    "--vcpus": _vcpus,
    "--cpu": _cpu,
    "--osinfo": _osinfo,
    "--disk": _disk,
    "--file": _file,
    "--file-size": _file_size,
    "--network": _network,
    "--bridge": _bridge,
    "--mac": _mac,
    "--uuid": _uuid,
    "--boot": _boot,
    "--location": _location,
    "--extra-args": _extra_args,
    "--graphics": _graphics,
    "--cloud-init": _cloud_init,
    "--wait": _wait,
    "--print-xml": _print_xml,
    "--unattended": _unattended,
    **{
        option: _same(option)
        for option in (
            *("--cdrom", "--pxe", "--import", "--initrd-inject", "--connect", "--autostart", "--noreboot"),
            "--dry-run",
        )
    },
}


def _pairs(text: str, first: str) -> dict[str, str]:
    """The suboptions, whatever they are called. A first word without `=` is the value of `first`."""
    names = tuple(part.partition("=")[0] for part in text.split(",") if "=" in part)
    kept = ",".join(part for part in text.split(",") if part and ("=" in part or part == text.split(",")[0]))
    return parse_suboptions(kept, names, f"--{first}", first=first)


def _checked(
    made: Adopted, option: str, text: str, parse: Callable[[str], object], given: set[str], value: str
) -> None:
    try:
        parse(text)
    except Invalid as error:
        made.leave(f"{option} {value}", str(error))
        return
    made.take(option, text)


def _rest(made: Adopted, option: str, pairs: dict[str, str], why: str) -> None:
    if pairs:
        made.leave(f"{option} {','.join(f'{key}={value}' for key, value in pairs.items())}", why)
