-- Malls that are read as an import: how far the reading came, so that it goes on there after it broke off.
CREATE TABLE {schema}.mall_readings (
    import_id  text COLLATE "C" PRIMARY KEY,
    shop       text COLLATE "C" NOT NULL,
    mode       text NOT NULL,
    match_key  text COLLATE "C" NOT NULL,
    begun_at   timestamptz NOT NULL,
    read_at    timestamptz NOT NULL,
    cursor     text NOT NULL,
    rows       bigint NOT NULL,
    problems   bigint NOT NULL,
    done       boolean NOT NULL
);
CREATE INDEX mall_readings_shop_idx ON {schema}.mall_readings (shop, begun_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.mall_readings TO daicho_app;
