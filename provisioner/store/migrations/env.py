"""Run by alembic with the connection that `store.migrating` opened; the caller commits."""

from alembic import context

from provisioner.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
