"""Alembic's entry: runs the migrations over the connection that :mod:`farmland.records.database` opened."""

from typing import Any

from alembic import context

from farmland.keeping.tables import SCHEMA
from geodata.column import index_name


def _is_ours(_item: Any, name: str | None, kind: str, *_: Any) -> bool:
    """Whether models speak of it: not PostGIS's own tables, nor spatial indexes, which the models cannot express."""
    if kind == "table":
        return name in SCHEMA.tables
    return kind != "index" or name not in {index_name(table) for table in SCHEMA.tables}


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SCHEMA,
    render_as_batch=True,
    include_object=_is_ours,
)
with context.begin_transaction():
    context.run_migrations()
