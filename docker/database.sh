#!/bin/sh
# Run once, by the PostgreSQL container, in an empty volume: the roles of Daicho and a login that is no superuser.
# Afterwards the superuser has no password: it can be reached inside that container alone.
set -eu
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --set=database="$POSTGRES_DB" \
  --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\set password `cat "$POSTGRES_PASSWORD_FILE"`
CREATE ROLE daicho_owner NOLOGIN;
CREATE ROLE daicho_app NOLOGIN;
CREATE ROLE daicho_login LOGIN PASSWORD :'password';
GRANT daicho_owner, daicho_app TO daicho_login;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE :"database" TO daicho_login;
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
