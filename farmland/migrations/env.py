"""Alembic's entry: runs the migrations over the connection that :mod:`farmland.database` opened."""

from alembic import context

from farmland.tables import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SCHEMA,
    render_as_batch=True,
    include_object=lambda _object, name, *_: name in SCHEMA.tables if _object.__class__.__name__ == "Table" else True,
)
with context.begin_transaction():
    context.run_migrations()
