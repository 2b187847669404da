-- What a person was shown before a file was applied, the file itself, and what its rows say beside their numbers.

-- together: of several listings of one SKU in a file that is added, same or divided; NULL: not said. corrects: the import whose
-- error list this file is.
ALTER TABLE {schema}.import_files ADD COLUMN together text;
ALTER TABLE {schema}.import_files ADD COLUMN corrects text COLLATE "C";

-- aside: why the row is skipped whatever it says. sum_units: the units of its SKU over all its rows. switched: 連動 or 停止.
ALTER TABLE {schema}.import_rows ADD COLUMN aside text COLLATE "C";
ALTER TABLE {schema}.import_rows ADD COLUMN sum_units bigint;
ALTER TABLE {schema}.import_rows ADD COLUMN switched boolean;

-- The bytes of a file's table as they came, in pieces, file by file (part): a list of its errors has its own form.
CREATE TABLE {schema}.import_pieces (
    import_id text COLLATE "C" NOT NULL,
    part      integer NOT NULL,
    piece     integer NOT NULL,
    bytes     bytea NOT NULL,
    PRIMARY KEY (import_id, part, piece)
);
ALTER TABLE {schema}.import_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL; -- read once, if ever

-- The last preview of a staged file: where the ledger stood, and its counts as JSON.
CREATE TABLE {schema}.import_reviews (
    import_id text COLLATE "C" PRIMARY KEY,
    position  bigint NOT NULL,
    made_at   timestamptz NOT NULL,
    counts    text NOT NULL
);

-- Numbers that would change, SKU by SKU in the order of their codes; parallel lists, a page of SKUs a row. before NULL: none yet.
CREATE TABLE {schema}.import_differences (
    import_id text COLLATE "C" NOT NULL,
    page      integer NOT NULL,
    skus      text[] COLLATE "C" NOT NULL,
    rows      bigint[] NOT NULL,
    before    bigint[] NOT NULL,
    after     bigint[] NOT NULL,
    PRIMARY KEY (import_id, page)
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON {schema}.import_pieces, {schema}.import_reviews, {schema}.import_differences TO daicho_app;
