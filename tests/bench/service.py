"""Serves a measuring database: ``python -m tests.bench.service DATABASE PORT TILE_CACHE_MB``."""

from __future__ import annotations

import sys

from app.cluster import use_cluster
from app.database import cluster_database
from app.serve import serve
from app.settings import CHECKOUT, Settings

CLUSTER = "bench"


def main() -> None:
    """Runs until it is told to end."""
    name, port, tile_cache_mb = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    settings = Settings(
        host="127.0.0.1",
        port=port,
        workers=1,
        tile_cache_mb=tile_cache_mb,
        database_url=None,
        given_public_url=f"http://127.0.0.1:{port}",
    )
    with use_cluster(CHECKOUT, CLUSTER) as cluster:
        serve(settings, cluster_database(cluster, name))


if __name__ == "__main__":
    main()
