-- Batches (files, uploads, feeds) that a mall took and has not finished, and when to ask next. Lost rows are made again from
-- the requests that the listings table holds open; what is lost with them is the mall's own name of a batch.
CREATE TABLE {schema}.push_batches (
    shop     text COLLATE "C" NOT NULL,
    request  text COLLATE "C" NOT NULL,
    sent_at  timestamptz NOT NULL,                 -- it left no earlier
    look_at  timestamptz NOT NULL,
    ticket   text COLLATE "C" NOT NULL DEFAULT '', -- a feed's id, a file's name
    code     text COLLATE "C" NOT NULL DEFAULT '', -- where it stood when it was last asked for
    handed   boolean NOT NULL DEFAULT false,       -- its handing over has begun
    answered boolean NOT NULL DEFAULT false,       -- its answer is a fact
    closed   text NOT NULL DEFAULT '',             -- listings that the answer ended already: place to [result, code]
    PRIMARY KEY (shop, request)
) WITH (fillfactor = 10);
CREATE INDEX push_batches_look_at_idx ON {schema}.push_batches (look_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.push_batches TO daicho_app;
