"""Runs the migrations on the connection that :mod:`migrations.run` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="catalogue", transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
