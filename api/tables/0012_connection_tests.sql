-- The last test of each shop's connection: whether the mall answered, and what a person has to do by when.
CREATE TABLE {schema}.connection_tests (
    shop          text COLLATE "C" PRIMARY KEY,
    due_at        timestamptz NOT NULL,
    claimed_until timestamptz,
    tested_at     timestamptz,
    ok            boolean NOT NULL DEFAULT true,
    message       text NOT NULL DEFAULT '',
    warnings      jsonb NOT NULL DEFAULT '[]' -- code, message, due_at (null: none)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.connection_tests TO daicho_app;
