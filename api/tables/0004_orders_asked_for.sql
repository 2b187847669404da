-- Orders asked for at the malls: how far each shop's orders were read, and what was asked for by number. If it is lost, the
-- orders of the last day are asked for again, and an equal order changes nothing.

CREATE TABLE {schema}.order_polls (
    shop          text COLLATE "C" PRIMARY KEY,
    done_until    timestamptz NOT NULL, -- every order placed or changed before it is in the inbox
    since         timestamptz, -- the window under way, from ... until; NULL: none
    until         timestamptz,
    cursor        text COLLATE "C" NOT NULL DEFAULT '', -- goes on behind the page before
    found         bigint NOT NULL DEFAULT 0, -- new or changed orders of this window
    due_at        timestamptz NOT NULL,
    claimed_until timestamptz, -- a worker asks until then
    asked_at      timestamptz, -- the last answer
    failures      integer NOT NULL DEFAULT 0, -- in a row
    code          text COLLATE "C" NOT NULL DEFAULT '' -- of the last failure; empty: the last asking went well
) WITH (fillfactor = 50);

CREATE TABLE {schema}.order_hints (
    shop      text COLLATE "C" NOT NULL,
    number    text COLLATE "C" NOT NULL, -- of an order to be asked for now
    hinted_at timestamptz NOT NULL,
    PRIMARY KEY (shop, number)
);

CREATE INDEX inbox_order_idx ON {schema}.inbox (shop, order_number, id) WHERE order_number <> '';

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.order_polls, {schema}.order_hints TO daicho_app;
