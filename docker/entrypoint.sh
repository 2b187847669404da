#!/bin/sh
# The container's one door: api | work | mail | migrate; every other word is a command of `daicho` (shop add, verify, …).
set -eu

fail() {
  echo "daicho: $1" >&2
  exit 3
}

# A secret is a file: PGPASSWORD_FILE and DAICHO_DATABASE_URL_FILE name the files that hold these two.
read_secret() {
  [ -r "$2" ] || fail "$1_FILE is $2, which user $(id -u) cannot read; expected a mounted secret readable for it"
  value=$(cat "$2")
  [ -n "$value" ] || fail "$1_FILE is $2, which is empty; write the secret into it"
  export "$1=$value"
}
if [ -n "${PGPASSWORD_FILE:-}" ]; then read_secret PGPASSWORD "$PGPASSWORD_FILE"; fi
if [ -n "${DAICHO_DATABASE_URL_FILE:-}" ]; then read_secret DAICHO_DATABASE_URL "$DAICHO_DATABASE_URL_FILE"; fi
unset PGPASSWORD_FILE DAICHO_DATABASE_URL_FILE value

word=${1:-api}
[ $# -eq 0 ] || shift
case $word in
api | work | mail | migrate | healthy)
  [ -n "${DAICHO_DATABASE_URL:-}" ] || fail "'$word' needs DAICHO_DATABASE_URL (or DAICHO_DATABASE_URL_FILE): \
this image has no PostgreSQL of its own; expected postgresql://user@host/name of a PostgreSQL 15 or newer"
  ;;
esac
case $word in
api) exec daicho serve "$@" ;;
work) exec daicho work "$@" ;;
mail) exec daicho mail "$@" ;;
migrate) exec daicho db migrate "$@" ;;
healthy) exec daicho-healthy "$@" ;;
*) exec daicho "$word" "$@" ;;
esac
