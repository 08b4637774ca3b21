"""The tables: what the models say is what the migrations make, and the way there can be gone back. Both databases."""

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from farmland.keeping.prepare import migrations, prepare
from farmland.records.database import VERSION, Database


@pytest.mark.filterwarnings("ignore:Did not recognize type 'geometry'")
def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.engine.connect() as connection:
        command.check(migrations(connection))
    assert ScriptDirectory.from_config(migrations(None)).get_current_head() == VERSION


def test_a_database_of_the_version_before_is_brought_to_this_one(database: Database) -> None:
    with database.engine.connect() as connection:
        command.downgrade(migrations(connection), "-1")
        connection.commit()
    prepare(database)
    database.require_prepared()
