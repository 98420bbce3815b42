"""Alembic migrations of the schemas catalogue, access, audit and jobs, and of what only a superuser can set up."""
