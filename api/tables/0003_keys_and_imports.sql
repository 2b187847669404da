-- API keys, and the rows of files on their way into the ledger. Rows that are not facts: they may be deleted.

CREATE TABLE {schema}.api_keys (
    key_id        text COLLATE "C" PRIMARY KEY,
    name          text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes        text[] NOT NULL,
    made_at       timestamptz NOT NULL,
    revoked_at    timestamptz
);

-- One file that was sent. state: staging (rows arrive), staged (every row is here), refused (with its reason).
CREATE TABLE {schema}.import_files (
    import_id   text COLLATE "C" PRIMARY KEY,
    shop        text COLLATE "C",
    mall        text COLLATE "C" NOT NULL,
    kind        text NOT NULL,
    format      text NOT NULL,
    encoding    text NOT NULL,
    reason      text NOT NULL,
    mode        text NOT NULL,
    owed        text,
    file_name   text NOT NULL,
    file_digest text NOT NULL DEFAULT '',
    file_bytes  bigint NOT NULL DEFAULT 0,
    rows        bigint NOT NULL DEFAULT 0,
    problems    bigint NOT NULL DEFAULT 0,
    counted_at  timestamptz NOT NULL,
    made_at     timestamptz NOT NULL,
    actor       text NOT NULL,
    state       text NOT NULL,
    refused     text
);
CREATE INDEX import_files_made_at_idx ON {schema}.import_files (made_at, import_id);

-- One row of a file, understood (problem_expected NULL) or not. skipped: why it changed nothing, once it was applied.
CREATE TABLE {schema}.import_rows (
    import_id        text COLLATE "C" NOT NULL,
    row              bigint NOT NULL,
    item             text COLLATE "C",
    variant          text COLLATE "C",
    stream           text COLLATE "C", -- of the listing
    called           bigint NOT NULL,  -- a checksum of name, JAN and product, as stock_levels has it
    sku              text COLLATE "C" NOT NULL,
    units            bigint,
    name             text NOT NULL,
    jan              text NOT NULL,
    product          text NOT NULL,
    codes            text NOT NULL,
    excluded         boolean NOT NULL,
    target           text NOT NULL,
    mode             text NOT NULL,
    counted_at       timestamptz,
    kept_back        bigint,
    problem_column   text,
    problem_value    text,
    problem_expected text,
    PRIMARY KEY (import_id, row)
);

-- Rows that were applied and changed nothing, with the reason's code.
CREATE TABLE {schema}.import_skips (
    import_id text COLLATE "C" NOT NULL,
    row       bigint NOT NULL,
    reason    text NOT NULL,
    PRIMARY KEY (import_id, row)
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON {schema}.api_keys, {schema}.import_files, {schema}.import_rows, {schema}.import_skips TO daicho_app;
