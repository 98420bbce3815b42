"""Finds the database that the settings mean, starting the private cluster where there is none."""

from __future__ import annotations

from app.cluster import ensure_cluster
from app.database import Database, cluster_database, external_database, personal_key_file
from app.settings import CHECKOUT, Settings


def locate_database(settings: Settings) -> Database:
    """The database of ``DATABASE_URL``, else the one in the checkout's private cluster.

    Raises:
        ClusterError: The private cluster does not start; the message says why and what to do.
    """
    if settings.database_url is not None:
        return external_database(settings)
    cluster = ensure_cluster(CHECKOUT, state_dir=settings.state_dir)
    return cluster_database(cluster, key=personal_key_file(settings))
