"""`provisioner token`: a link that logs a browser in once."""

import click

from provisioner.cli.api import connect
from provisioner.cli.output import Format, document, output_option


@click.command(short_help="Print a one-use link that logs a browser in")
@output_option
def token(output: Format) -> None:
    """Print a link that logs a browser into the dashboard; it works once."""
    made = connect().post("login-keys")
    if output == "table":
        click.echo(made["url"])
    else:
        document(made, output)
