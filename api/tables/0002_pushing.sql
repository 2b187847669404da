-- What pushing keeps beside the facts: who pushes a shop, how fast, and what it waits for. All of it may be lost with no
-- wrong number: leases are waited out, paces and breakers begin again, and a look finds missing units once more.

-- At most one worker pushes a shop. ``until`` is when the holder's last request can no longer be on its way.
CREATE TABLE {schema}.push_leases (
    shop   text COLLATE "C" PRIMARY KEY,
    epoch  bigint NOT NULL,
    holder text COLLATE "C" NOT NULL, -- '' once it was given back with nothing on its way
    until  timestamptz NOT NULL,
    doubts integer NOT NULL DEFAULT 0 -- requests whose answer is unknown and not settled
) WITH (fillfactor = 10);

-- How fast an account of a mall is called: the theoretical arrival time of GCRA, shared by every process.
CREATE TABLE {schema}.mall_paces (
    account text COLLATE "C" NOT NULL, -- the shop: one account of one mall
    kind    text COLLATE "C" NOT NULL, -- push or read
    arrival timestamptz, -- NULL: never called
    PRIMARY KEY (account, kind)
) WITH (fillfactor = 10);

-- 自動停止 and back-off of a shop's pushes and of its reads. ``not_before``: nothing is sent until then.
CREATE TABLE {schema}.push_breakers (
    shop         text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL, -- push or read
    failures     integer NOT NULL,
    rests        integer NOT NULL,
    closed_until timestamptz,
    not_before   timestamptz,
    code         text COLLATE "C" NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (shop, kind)
) WITH (fillfactor = 10);

-- Units that a look found missing and no told order explains: withheld until their orders come, or ten minutes.
CREATE TABLE {schema}.push_unseen (
    shop              text COLLATE "C" NOT NULL,
    listing           text COLLATE "C" NOT NULL,
    seen_at           timestamptz NOT NULL,
    sku               text COLLATE "C" NOT NULL,
    units_per_listing bigint NOT NULL,
    certain           bigint NOT NULL, -- listings that were sold
    possible          bigint NOT NULL, -- listings that may have been
    sold_after        timestamptz NOT NULL, -- orders placed before it are no explanation
    known_position    bigint NOT NULL, -- orders told later explain them
    PRIMARY KEY (shop, listing, seen_at)
);
CREATE INDEX push_unseen_sku_idx ON {schema}.push_unseen (sku);
CREATE INDEX push_unseen_seen_at_idx ON {schema}.push_unseen (seen_at);

-- Why a listing waits: quiet (since when a mall that cannot be read is waited for), rejected_zero (when 0 was last tried).
CREATE TABLE {schema}.push_waits (
    shop    text COLLATE "C" NOT NULL,
    listing text COLLATE "C" NOT NULL,
    why     text COLLATE "C" NOT NULL,
    since   timestamptz NOT NULL,
    PRIMARY KEY (shop, listing, why)
);

-- A running 一括同期: how far it is, so that another worker goes on with it.
CREATE TABLE {schema}.push_syncs (
    shop       text COLLATE "C" PRIMARY KEY,
    sync       text COLLATE "C" NOT NULL,
    after      text COLLATE "C" NOT NULL, -- the last listing that was stated
    sent       bigint NOT NULL DEFAULT 0,
    same       bigint NOT NULL DEFAULT 0,
    rejected   bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL
) WITH (fillfactor = 10);

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.push_leases, {schema}.mall_paces, {schema}.push_breakers,
    {schema}.push_unseen, {schema}.push_waits, {schema}.push_syncs TO daicho_app;
