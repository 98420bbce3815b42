#!/bin/sh
# Runs the command line; a secret may come as a file (DATABASE_URL_FILE), so that no environment shows it.
set -eu
if [ -n "${DATABASE_URL_FILE:-}" ]; then
    DATABASE_URL=$(cat "$DATABASE_URL_FILE")
    export DATABASE_URL
fi
if [ -z "${DATABASE_URL:-}" ]; then
    echo "Cần DATABASE_URL hoặc DATABASE_URL_FILE: ảnh này không có PostgreSQL." >&2
    echo "DATABASE_URL or DATABASE_URL_FILE is needed: this image holds no PostgreSQL." >&2
    exit 1
fi
exec /srv/diaban/.venv/bin/python -P -m app.cli "$@"
