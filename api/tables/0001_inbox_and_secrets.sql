-- Rows that are not facts: what arrived (sealed), secrets of shops (sealed), mail addresses of shops.
--
-- The inbox is the queue: rows in state 'received' are to be read, oldest first. States:
--   received     to be read; not before claimed_until
--   read         became facts; position is where the ledger stood then
--   waiting      kept and not applied: order intake of the shop is stopped
--   quarantined  waits for a person: reason, rule and line say why, never what the message says
--   ignored      known, and says nothing about orders; or the same message again (same_as); or a person said so

CREATE TABLE {schema}.inbox (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop           text COLLATE "C" NOT NULL,
    door           text COLLATE "C" NOT NULL,
    received_at    timestamptz NOT NULL,
    trace          text COLLATE "C" NOT NULL,
    size_bytes     bigint NOT NULL,
    digest         bytea NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the raw message
    state          text COLLATE "C" NOT NULL DEFAULT 'received'
                   CHECK (state IN ('received', 'read', 'waiting', 'quarantined', 'ignored')),
    reason         text COLLATE "C" NOT NULL DEFAULT '' CHECK (length(reason) <= 100),
    rule           text COLLATE "C" NOT NULL DEFAULT '' CHECK (length(rule) <= 100),
    line           integer,
    same_as        bigint,
    tries          integer NOT NULL DEFAULT 0,
    claimed_until  timestamptz, -- a worker has it until then; or it is not tried again before
    parser_version integer,
    order_number   text COLLATE "C" NOT NULL DEFAULT '',
    position       bigint,
    read_at        timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX inbox_state_idx ON {schema}.inbox (state, id);
CREATE INDEX inbox_waiting_idx ON {schema}.inbox (shop, id) WHERE state = 'waiting';
CREATE INDEX inbox_digest_idx ON {schema}.inbox (shop, digest);

-- The message itself, in sealed pieces of at most 1 MB; deleted when its time is over, while its row stays.
CREATE TABLE {schema}.inbox_messages (
    inbox_id bigint NOT NULL REFERENCES {schema}.inbox (id) ON DELETE CASCADE,
    piece    integer NOT NULL,
    sealed   bytea NOT NULL,
    PRIMARY KEY (inbox_id, piece)
);
ALTER TABLE {schema}.inbox_messages ALTER COLUMN sealed SET STORAGE EXTERNAL; -- sealed bytes do not compress

CREATE TABLE {schema}.shop_secrets (
    shop       text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    sealed     bytea NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (shop, name)
);

-- One unguessable order-mail address a shop (受注メール転送先メールアドレス): the part before the @ as SHA-256, to be
-- found by, and sealed, to be shown again to its owner.
CREATE TABLE {schema}.mail_addresses (
    shop         text COLLATE "C" PRIMARY KEY,
    token_digest bytea NOT NULL UNIQUE CHECK (length(token_digest) = 32),
    sealed       bytea NOT NULL,
    made_at      timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON {schema}.inbox, {schema}.inbox_messages, {schema}.shop_secrets, {schema}.mail_addresses TO daicho_app;
