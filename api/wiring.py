"""Builds everything once: the only place, with settings, where the real clock, sleep and randomness come from."""

import time

from api.database import Database, wait_for
from api.localpg import LocalPostgres
from api.migrations import migrate
from api.settings import Settings


def local_postgres(settings: Settings) -> LocalPostgres:
    """The embedded server of this home; it is not started by this."""
    return LocalPostgres(settings.home, settings.db_user, sleep=time.sleep)


def reached_database(settings: Settings) -> Database:
    """The database answers: the one of DAICHO_DATABASE_URL, else the embedded one, started. Raises Unavailable."""
    if settings.database_url is None:
        return Database(local_postgres(settings).start(), settings.schema_name)
    database = Database(settings.database_url.get_secret_value(), settings.schema_name)
    wait_for(database.url, sleep=time.sleep, wait_seconds_max=settings.database_wait_seconds)
    return database


def ready_database(settings: Settings) -> Database:
    """The database answers and every migration has run. Raises Unavailable, MigrationRefused."""
    database = reached_database(settings)
    migrate(database)
    return database
