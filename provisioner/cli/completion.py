"""`provisioner completion`: what a shell loads to complete nouns, verbs, options and names."""

import click

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print the completion script of bash, zsh or fish")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash   eval "$(provisioner completion bash)"
    zsh    eval "$(provisioner completion zsh)"
    fish   provisioner completion fish | source
    """
    from click.shell_completion import get_completion_class

    from provisioner.cli.root import cli

    kind = get_completion_class(shell)
    assert kind is not None, "click knows these three shells"  # noqa: S101
    click.echo(kind(cli, {}, "provisioner", "_PROVISIONER_COMPLETE").source())
