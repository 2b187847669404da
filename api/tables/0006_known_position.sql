-- The last fact that a row of our own form knows (台帳位置); what is recorded behind it comes on top. NULL: its time says it.
ALTER TABLE {schema}.import_rows ADD COLUMN known_position bigint;
