-- What a file says of a page that 0 does not stop (D10). NULL: the file does not say.
ALTER TABLE {schema}.import_rows ADD COLUMN sells_at_zero boolean;
