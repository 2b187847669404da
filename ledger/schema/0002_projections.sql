-- What the runner of the projections keeps of itself. The projection tables are made and owned by the application's role.
--
-- A build is one making of a table, live (change_log) or replayed beside it (change_log__next); its number never returns,
-- so that nobody goes on writing to a table that was swapped away.

CREATE SEQUENCE {schema}.projection_builds;

CREATE TABLE {schema}.projection_checkpoints (
    projection text COLLATE "C" PRIMARY KEY,
    version    integer NOT NULL, -- of the table's shape
    build      bigint NOT NULL,
    position   bigint NOT NULL, -- every fact up to it is in the table
    joined     boolean NOT NULL DEFAULT false -- a replay that has caught up: its live table's runner writes both
) WITH (fillfactor = 10);

-- Whoever has the epoch writes the table; the row is checked inside every page's transaction.
CREATE TABLE {schema}.projection_leases (
    projection text COLLATE "C" PRIMARY KEY,
    epoch      bigint NOT NULL,
    holder     text COLLATE "C" NOT NULL,
    until      timestamptz NOT NULL
) WITH (fillfactor = 10);

-- Streams set aside for one table: its facts from ``position`` on wait for one command. ``reason`` is a code.
CREATE TABLE {schema}.projection_quarantine (
    projection   text COLLATE "C" NOT NULL,
    stream       text COLLATE "C" NOT NULL,
    position     bigint NOT NULL,
    fact         text COLLATE "C" NOT NULL,
    reason       text COLLATE "C" NOT NULL,
    tries        integer NOT NULL,
    set_aside_at timestamptz NOT NULL,
    PRIMARY KEY (projection, stream)
);

GRANT USAGE ON SEQUENCE {schema}.projection_builds TO daicho_app;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON {schema}.projection_checkpoints, {schema}.projection_leases, {schema}.projection_quarantine TO daicho_app;
