"""The command `provisioner`: every noun with its one line, imported only when it is used."""

import click

from provisioner import __version__
from provisioner.cli.lazy import Entry, LazyGroup

SECTIONS = {
    "Service": {
        "serve": Entry("serve:serve", "Answer netboot, HTTP and API requests until stopped"),
        "doctor": Entry("doctor:doctor", "Check every precondition, and mend what is safe to mend"),
        "demo": Entry("demo.command:demo", "Install one real Debian over PXE and log into it"),
        "token": Entry("token:token", "Print a one-use link that logs a browser in"),
    },
    "What is installed": {
        "tree": Entry("tree:tree", "Install trees: kernels, initrds and packages of a release"),
        "mirror": Entry("mirror:mirror", "What is kept of trees: fetched once, checked, served offline"),
        "media": Entry("media:media", "ISO and disk images that guests are installed from"),
        "image": Entry("image:image", "Packed root file systems for the mini installer"),
        "profile": Entry("profile:profile", "Tree, answer file and hardware defaults under one name"),
        "answer": Entry("answer:answer", "Answer files as they will be served: previewed, checked, ported"),
    },
    "From elsewhere": {
        "adopt": Entry("adopt:adopt", "Take over commands of virt-install, and kickstarts"),
    },
    "Labs": {
        "plan": Entry("plan:plan", "Say what a lab's file would change, down to XML and answer files"),
        "apply": Entry("apply:apply", "Make hosts, networks, pools, trees, profiles, guests as a file says"),
    },
    "Where it is installed": {
        "top": Entry("top:top", "The installations that run, live: how far, how long, what last"),
        "events": Entry("events:events", "What happened, and what happens, a line each"),
        "rebuild": Entry("rebuild:rebuild", "Install guests anew in place, after saying what each loses"),
        "lab": Entry("lab:lab", "Keep guests as they were installed, and have them again in seconds"),
        "guest": Entry("guest:guest", "Create guests, live with them, and remove them"),
        "install": Entry("install:install", "Watch an installation, and ask why it stopped"),
        "machine": Entry("machine:machine", "Machines that netboot but were not created here"),
        "host": Entry("hosts:host", "libvirt hosts: their facts, their load, what they lack"),
        "network": Entry("network:network", "The host's networks, and whether guests can netboot there"),
        "netboot": Entry("netboot:netboot", "See what machines ask and what they are answered"),
        "loader": Entry("loader:loader", "First programs that firmware is given: iPXE, shim and GRUB"),
        "pool": Entry("pool:pool", "The host's storage pools"),
        "volume": Entry("volume:volume", "The volumes of a pool, filled and fetched"),
    },
    "Shell": {
        "completion": Entry("completion:completion", "Print the completion script of bash, zsh or fish"),
    },
}


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="provisioner", message="%(prog)s %(version)s")
def cli() -> None:
    """From a bare libvirt host to installed guests, unattended."""
