"""Which packages an answer file names, by every family's own words."""

import pytest

from provisioner.answers.named import Named, named

KICKSTART = """text
%packages --excludeWeakdeps
@^minimal-environment
@ development --nodefaults
# a remark
vim   # an editor
-iwl*-firmware
%end
%post
%packages-like
%end
"""
PRESEED = """# d-i pkgsel/include string remark
d-i base-installer/kernel/image string linux-image-cloud-amd64
d-i base-installer/install-recommends boolean false
d-i pkgsel/include string curl, vim
tasksel tasksel/first multiselect standard, ssh-server
"""
USER_DATA = "#cloud-config\nautoinstall:\n  version: 1\n  packages: [curl, vim]\n"
AUTOYAST = """<profile><software><patterns><pattern>base</pattern></patterns>
<packages config:type="list"><package>sudo</package>
<package> a&amp;b </package></packages></software></profile>"""
AGAMA = '{"software": {"patterns": ["base"], "packages": ["vim"]}}'

CASES: dict[str, tuple[str, str, Named]] = {
    "kickstart": (
        "ks.cfg",
        KICKSTART,
        Named(
            ("vim",),
            ("core", "^minimal-environment", "development"),
            excluded=frozenset({"iwl*-firmware"}),
            weak=False,
        ),
    ),
    "kickstart without core": ("ks.cfg", "%packages --nocore\nbash\n%end\n", Named(("bash",))),
    "kickstart without packages": ("ks.cfg", "text\n", Named((), ("core",))),
    "preseed": (
        "preseed.cfg",
        PRESEED,
        Named(
            ("linux-image-cloud-amd64", "curl", "vim", "task-ssh-server"),
            levels=("required", "important", "standard"),
            weak=False,
        ),
    ),
    "autoinstall": ("user-data", USER_DATA, Named(("curl", "vim"))),
    "autoinstall of nothing": ("user-data", "", Named()),
    "autoyast": ("autoinst.xml", AUTOYAST, Named(("sudo", "a&b"), ("base",))),
    "agama": ("agama.json", AGAMA, Named(("vim",), ("base",))),
    "agama that is broken": ("agama.json", "{", Named()),
    "another": ("answers.txt", "vim", Named()),
}


@pytest.mark.parametrize("case", CASES)
def test_named(case: str) -> None:
    file, text, expected = CASES[case]
    found = named(text, file)

    assert (found.packages, found.groups, found.excluded, found.levels, found.weak) == (
        expected.packages,
        expected.groups,
        expected.excluded,
        expected.levels,
        expected.weak,
    )
    assert bool(found.added) == (case not in ("another", "agama that is broken"))
