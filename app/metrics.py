"""Prometheus metrics of a process; every label has a bounded set of values."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("diaban_requests", "Requests answered.", ("method", "route", "status"))
REQUEST_SECONDS = Histogram(
    "diaban_request_seconds",
    "Time from request to the end of its answer.",
    ("route",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
TILE_CACHE = Gauge("diaban_tile_cache", "Tile cache: hits, misses, bytes.", ("what",))
CATALOGUE_VERSION = Gauge("diaban_catalogue_version", "Snapshots of the catalogue this process has made.")
AUDIT_EVENTS = Gauge("diaban_audit_events", "Events of the audit trail: sealed, waiting.", ("state",))
AUDIT_CHECKPOINT_AGE = Gauge("diaban_audit_checkpoint_age_seconds", "Time since the newest checkpoint.")
BACKUP_AGE = Gauge("diaban_backup_age_seconds", "Time since the end of the newest back-up.")
ARCHIVE_FAILURES = Gauge("diaban_wal_archive_failures", "Attempts to store WAL that failed since the statistics began.")
ARCHIVE_AGE = Gauge("diaban_wal_archive_age_seconds", "Time since a WAL file was last stored.")
LAYER_REVISIONS = Gauge("diaban_layer_revisions", "Sum of the revisions of all layers.")
