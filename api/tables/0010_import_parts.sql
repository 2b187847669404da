-- Several files in one import: each is a part. A row's number is that of its line, plus PART_ROWS (api/tables/import_parts.py)
-- for each part before it.
CREATE TABLE {schema}.import_parts (
    import_id   text COLLATE "C" NOT NULL,
    part        integer NOT NULL,
    file_name   text NOT NULL,
    file_digest text NOT NULL,
    format      text NOT NULL,
    encoding    text NOT NULL,
    reason      text NOT NULL,
    PRIMARY KEY (import_id, part)
);

-- A line of a file that names several listings has several rows: the second and the following ones have numbers of their own
-- (EXTRA_ROWS and up within their part), and here stands where each was read.
CREATE TABLE {schema}.import_lines (
    import_id text COLLATE "C" NOT NULL,
    row       bigint NOT NULL,
    line      bigint NOT NULL,
    PRIMARY KEY (import_id, row)
);

-- What a file of products says of each product, for the rows of the file of their variants.
CREATE TABLE {schema}.import_parents (
    import_id text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    number    text NOT NULL,
    name      text NOT NULL,
    divided   boolean NOT NULL,
    preorder  boolean NOT NULL,
    PRIMARY KEY (import_id, key)
);

-- What a person is told of the files as a whole.
ALTER TABLE {schema}.import_files ADD COLUMN notes text[] NOT NULL DEFAULT '{}';

GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.import_parts, {schema}.import_parents, {schema}.import_lines TO daicho_app;
