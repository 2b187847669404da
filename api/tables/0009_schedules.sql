-- What a full sync is beside how far it is, and which scheduled work of a shop was begun on which day.
ALTER TABLE {schema}.push_syncs ADD COLUMN paused boolean NOT NULL DEFAULT false;
ALTER TABLE {schema}.push_syncs ADD COLUMN listings bigint NOT NULL DEFAULT 0; -- linked ones when it began

-- The day in Japan on which a shop's scheduled work was begun last, or skipped and said: at most once a day, by one worker.
CREATE TABLE {schema}.shop_turns (
    shop    text COLLATE "C" NOT NULL,
    job     text COLLATE "C" NOT NULL, -- sync or shadow
    done_on date NOT NULL,
    PRIMARY KEY (shop, job)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.shop_turns TO daicho_app;
