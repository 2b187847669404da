-- The ledger: facts, their seals, the head, and the tables that are written with the facts.
--
-- Every text key is COLLATE "C": byte order, the same on every machine. Positions are ours and gapless: they are
-- given under the lock of the one row of ledger_head, so commit order is position order.

CREATE TABLE {schema}.ledger_events (
    originator_id      text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic              text COLLATE "C" NOT NULL,
    state              bytea NOT NULL,
    notification_id    bigint NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    autovacuum_vacuum_threshold = 100000000,
    autovacuum_vacuum_scale_factor = 0.5,
    autovacuum_analyze_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.01
);
CREATE UNIQUE INDEX ledger_events_notification_id_idx ON {schema}.ledger_events (notification_id);

-- The library's reader of composite values needs the type to exist.
CREATE TYPE {schema}.stored_event_text AS (
    originator_id text, originator_version bigint, topic text, state bytea
);

-- One row a commit: the hash chain. fact_digests holds 8 bytes a fact, so that verify can name the very fact.
CREATE TABLE {schema}.ledger_seals (
    first_position bigint PRIMARY KEY,
    last_position  bigint NOT NULL,
    committed_at   timestamptz NOT NULL,
    digest         bytea NOT NULL,
    hash           bytea NOT NULL,
    fact_digests   bytea NOT NULL,
    CHECK (last_position >= first_position)
);
CREATE INDEX ledger_seals_committed_at_idx ON {schema}.ledger_seals (committed_at, last_position);

-- The one row that every writer locks. fillfactor 10: its versions stay on the page (HOT).
CREATE TABLE {schema}.ledger_head (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    ledger_id    text NOT NULL,
    position     bigint NOT NULL,
    hash         bytea NOT NULL,
    committed_at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO {schema}.ledger_head (ledger_id, position, hash, committed_at)
VALUES (gen_random_uuid()::text, 0, decode(repeat('00', 32), 'hex'), 'epoch');

-- What is true now, for every SKU and place. on_hand NULL: no number yet (在庫未登録), which is not zero.
CREATE TABLE {schema}.stock_levels (
    place        text COLLATE "C" NOT NULL,
    sku          text COLLATE "C" NOT NULL,
    version      bigint NOT NULL,
    on_hand      bigint,
    allocated    bigint NOT NULL,
    held         bigint NOT NULL,
    kept_back    bigint NOT NULL,
    auction_kept bigint NOT NULL,
    defective    bigint NOT NULL,
    undecided    bigint NOT NULL,
    counted_position bigint NOT NULL, -- of the last overwrite; counts before it are void
    counted_at   timestamptz,         -- when its number was true
    counted_by   text COLLATE "C" NOT NULL, -- the shop whose file it was, '' for our own or a person's
    position     bigint NOT NULL,
    sku_version  bigint NOT NULL,     -- of the SKU's own stream, 0: not registered; this and the rest at the main place
    recipe_version bigint NOT NULL,   -- of the set it is, 0: it is none
    called       bigint NOT NULL,     -- a checksum of name, JAN and product: a file that says the same is told by it
    counted_plainly boolean NOT NULL, -- the number knows what counted_by sold up to counted_at; stock_counts has no row of it
    PRIMARY KEY (place, sku)
) WITH (fillfactor = 80);

-- Changes of units with the time they happened in the world: what a dated count could not know. Kept 35 days.
CREATE TABLE {schema}.stock_changes (
    place         text COLLATE "C" NOT NULL,
    sku           text COLLATE "C" NOT NULL,
    happened_at   timestamptz NOT NULL,
    position      bigint NOT NULL,
    shop          text COLLATE "C" NOT NULL,
    delta         bigint NOT NULL,
    on_hand_delta bigint NOT NULL
);
CREATE INDEX stock_changes_sku_idx ON {schema}.stock_changes (sku, place, happened_at);
CREATE INDEX stock_changes_happened_at_idx ON {schema}.stock_changes USING brin (happened_at);

-- The last count of a SKU that says up to when (or up to which position) a shop's sales are inside the number.
-- Kept for ever, for orders and links that come late. up_to NULL: the last number says nothing of this shop by time.
CREATE TABLE {schema}.stock_counts (
    place    text COLLATE "C" NOT NULL,
    sku      text COLLATE "C" NOT NULL,
    shop     text COLLATE "C" NOT NULL,
    up_to    timestamptz,
    position bigint NOT NULL,
    part_units bigint, -- what this shop's file added (追加), when it was a part of divided stock
    PRIMARY KEY (place, sku, shop)
) WITH (fillfactor = 80);

-- Idempotency: the answer given to a command, kept 30 days. The digest is over the canonical input.
CREATE TABLE {schema}.command_keys (
    scope    text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    digest   bytea NOT NULL,
    answer   bytea NOT NULL,
    position bigint NOT NULL,
    kept_at  timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX command_keys_kept_at_idx ON {schema}.command_keys USING brin (kept_at);

-- The library's snapshots and tracking: made here because the application's role may not create tables.
CREATE TABLE {schema}.ledger_snapshots (
    originator_id      text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic              text NOT NULL,
    state              bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);
CREATE TABLE {schema}.ledger_tracking (
    application_name text COLLATE "C" PRIMARY KEY,
    notification_id  bigint
);

GRANT SELECT, INSERT ON {schema}.ledger_events, {schema}.ledger_seals, {schema}.ledger_snapshots TO daicho_app;
GRANT SELECT, UPDATE (position, hash, committed_at) ON {schema}.ledger_head TO daicho_app;
GRANT SELECT, INSERT, UPDATE ON {schema}.stock_levels, {schema}.stock_counts, {schema}.ledger_tracking TO daicho_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.stock_changes, {schema}.command_keys TO daicho_app;
