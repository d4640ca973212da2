"""What the installer writes into an installed system, on a folder that looks like one."""

import stat
from pathlib import Path

import pytest

from tests.unit.media.shell import parse, run

SHA = "0" * 64
END = f"autopart\nliveimg --url=http://h/i --checksum={SHA}\n"
KEY = "ssh-ed25519 AAAA me@home"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The least that the installer expects of an image."""
    place = tmp_path / "target"
    for name in ("etc/default", "etc/skel", "boot", "root", "usr/share/zoneinfo/Europe", "usr/lib/locale"):
        (place / name).mkdir(parents=True)
    (place / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nd:x:1000:1000::/:/bin/sh\n")
    (place / "etc/shadow").write_text("root:*:1:0:99999:7:::\nd:*:1::::::\n")
    (place / "etc/group").write_text("root:x:0:\nd:x:1000:\nwheel:x:10:\nadm:x:4:d\n")
    (place / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 old\n")
    (place / "etc/skel/.profile").write_text("# profile\n")
    (place / "etc/machine-id").write_text("")
    (place / "usr/share/zoneinfo/Europe/Berlin").write_text("TZif")
    return place


def configure(folder: Path, kickstart: str, script: str) -> str:
    """Output of `script` after that kickstart was read."""
    parse(folder, kickstart + END)
    done = run(folder, f"root_guid=11-22 esp_guid=33-44\n{script}")
    assert done.stderr == ""
    return done.stdout


def field(target: Path, name: str) -> str:
    """The password field of shadow."""
    rows = [line.split(":") for line in (target / "etc/shadow").read_text().splitlines()]
    return next(row[1] for row in rows if row[0] == name)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("rootpw --iscrypted $6$a/b$c&d", "$6$a/b$c&d"), ("rootpw --lock", "!*"), ("text", "*")],
)
def test_the_root_password(tmp_path: Path, target: Path, line: str, expected: str) -> None:
    configure(tmp_path, f"{line}\n", "set_root")

    assert field(target, "root") == expected
    assert field(target, "d") == "*"


def test_a_plain_password_is_hashed(tmp_path: Path, target: Path) -> None:
    configure(tmp_path, "rootpw 'two words'\n", "set_root")

    assert field(target, "root").startswith("$6$")
    assert "two words" not in (target / "etc/shadow").read_text()


def test_a_user(tmp_path: Path, target: Path) -> None:
    line = "user --name=ann --groups=wheel,adm,new --password=$6$x --iscrypted --gecos='Ann B' --uid=1500\n"
    configure(tmp_path, line, 'chown() { echo chown "$@" >>owners; }\nadd_user user.1')

    assert (target / "etc/passwd").read_text().splitlines()[-1] == "ann:x:1500:1500:Ann B:/home/ann:/bin/sh"
    assert field(target, "ann") == "$6$x"
    assert (target / "etc/group").read_text().splitlines() == [
        "root:x:0:",
        "d:x:1000:",
        "wheel:x:10:ann",
        "adm:x:4:d,ann",
        "ann:x:1500:",
        "new:x:1001:ann",
    ]
    assert (target / "home/ann/.profile").is_file()
    assert stat.S_IMODE((target / "home/ann").stat().st_mode) == 0o700
    assert (tmp_path / "owners").read_text() == f"chown -R 1500:1500 {target}/home/ann\n"


def test_a_users_number_is_the_first_free_one(tmp_path: Path, target: Path) -> None:
    configure(tmp_path, "user --name=ann\n", "chown() { :; }\nadd_user user.1")

    assert (target / "etc/passwd").read_text().splitlines()[-1] == "ann:x:1001:1001::/home/ann:/bin/sh"
    assert field(target, "ann") == "!*"


def test_a_user_that_is_there_already_stops_it(tmp_path: Path, target: Path) -> None:
    said = configure(tmp_path, "user --name=d\n", "add_user user.1")

    assert said == "stopped: user: 'd' is in the image already\n"


def test_a_key(tmp_path: Path, target: Path) -> None:
    line = f'sshkey --username=root "{KEY}"\n'
    configure(tmp_path, line, "chown() { :; }\nadd_sshkey sshkey.1\nadd_sshkey sshkey.1")
    keys = target / "root/.ssh/authorized_keys"

    assert keys.read_text() == f"{KEY}\n{KEY}\n"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.parent.stat().st_mode) == 0o700


def test_a_key_of_nobody_stops_it(tmp_path: Path, target: Path) -> None:
    said = configure(tmp_path, f"sshkey --username=bob '{KEY}'\n", "add_sshkey sshkey.1")

    assert said == "stopped: sshkey: there is no user 'bob' in the image, nor in the kickstart\n"


@pytest.mark.parametrize(("name", "names"), [("web1", "web1"), ("web1.lab.test", "web1.lab.test web1")])
def test_the_host_name(tmp_path: Path, target: Path, name: str, names: str) -> None:
    configure(tmp_path, f"network --hostname={name}\n", "set_hostname")

    assert (target / "etc/hostname").read_text() == f"{name}\n"
    assert (target / "etc/hosts").read_text() == f"127.0.0.1 localhost\n127.0.1.1 {names}\n"


def test_a_locale_that_the_image_lacks_becomes_c(tmp_path: Path, target: Path) -> None:
    said = configure(tmp_path, "lang de_DE.UTF-8\n", "set_lang")

    assert "lang: the image has no locale de_DE.UTF-8; C.UTF-8 is set" in said
    assert (target / "etc/default/locale").read_text() == "LANG=C.UTF-8\n"


def test_a_locale_that_the_image_has(tmp_path: Path, target: Path) -> None:
    (target / "usr/lib/locale/locale-archive").touch()
    configure(tmp_path, "lang de_DE.UTF-8\n", "set_lang")

    assert (target / "etc/locale.conf").read_text() == "LANG=de_DE.UTF-8\n"


def test_the_time_zone(tmp_path: Path, target: Path) -> None:
    configure(tmp_path, "timezone Europe/Berlin\n", "set_timezone")

    assert (target / "etc/localtime").readlink() == Path("/usr/share/zoneinfo/Europe/Berlin")
    assert (target / "etc/timezone").read_text() == "Europe/Berlin\n"


def test_a_time_zone_that_the_image_does_not_know_is_said(tmp_path: Path, target: Path) -> None:
    said = configure(tmp_path, "timezone Mars/Base\n", "set_timezone")

    assert "timezone: the image does not know Mars/Base; left as it is" in said
    assert not (target / "etc/localtime").exists()


def test_each_machine_has_an_id_of_its_own(tmp_path: Path, target: Path) -> None:
    configure(tmp_path, "", "set_identity")

    made = (target / "etc/machine-id").read_text().strip()
    assert len(made) == 32
    assert int(made, 16) > 0


def test_the_menu_lists_the_newest_kernel_first(tmp_path: Path, target: Path) -> None:
    for name in ("vmlinuz-6.1.9", "initrd.img-6.1.9", "vmlinuz-6.1.10", "vmlinuz-0-rescue-ab"):
        (target / "boot" / name).touch()
    configure(tmp_path, "bootloader --append='console=ttyS0 quiet' --timeout=3\n", "set_boot")

    assert (target / "boot/grub/grub.cfg").read_text() == (
        "set timeout=3\n"
        "set default=0\n"
        "menuentry 'Linux 6.1.10' {\n"
        "  linux /boot/vmlinuz-6.1.10 root=PARTUUID=11-22 ro console=ttyS0 quiet\n"
        "}\n"
        "menuentry 'Linux 6.1.9' {\n"
        "  linux /boot/vmlinuz-6.1.9 root=PARTUUID=11-22 ro console=ttyS0 quiet\n"
        "  initrd /boot/initrd.img-6.1.9\n"
        "}\n"
    )


def test_an_image_without_a_kernel_stops_it(tmp_path: Path, target: Path) -> None:
    said = configure(tmp_path, "", "set_boot")

    assert said == "stopped: the image has no /boot/vmlinuz-*: it could not boot\n"


def test_the_arguments_stay_when_the_system_writes_its_menu_anew(tmp_path: Path, target: Path) -> None:
    (target / "etc/default/grub").write_text('GRUB_CMDLINE_LINUX=""\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')
    (target / "etc/default/grub.d").mkdir()
    extra = 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX audit=0"\n'
    (target / "etc/default/grub.d/50-x.cfg").write_text(extra)
    said = configure(
        tmp_path, "bootloader --append='console=ttyS0 x=\"$1\"'\n", 'kernel_arguments; echo "$arguments"'
    )

    assert " ".join(said.split()) == 'audit=0 console=ttyS0 x="$1" quiet'
    assert (target / "etc/default/grub.d/90-kickstart.cfg").read_text() == (
        'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX console=ttyS0 x=\\"\\$1\\""\n'
        "GRUB_DISABLE_LINUX_UUID=true\n"
        "GRUB_DISABLE_LINUX_PARTUUID=false\n"
    )


def test_the_file_systems(tmp_path: Path, target: Path) -> None:
    configure(tmp_path, "", "set_fstab")
    assert (target / "etc/fstab").read_text() == ("PARTUUID=11-22 / ext4 defaults,errors=remount-ro 0 1\n")

    (target / "etc/debian_version").touch()
    configure(tmp_path, "", "set_fstab")
    assert (target / "etc/fstab").read_text().splitlines()[1] == (
        "PARTUUID=33-44 /boot/efi vfat umask=0077,noauto,x-systemd.automount,nofail 0 2"
    )
