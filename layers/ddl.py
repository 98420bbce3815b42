"""Changes the tables of a layer from one definition version to the next. The only writer of that DDL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy import CheckConstraint, Column, Connection, Index, Table, and_, func, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from layers.definition import Definition, Field, FieldType, GeometryType, Sensitivity
from layers.definition_json import from_json
from layers.errors import DefinitionChangeRefused
from layers.search_fields import is_parcel_layer, name_field
from layers.tables import feature_table, has_unit_codes, history_table, private_table, sql_type
from spatial.boundary import lies_in_several

MAX_IDENTIFIER = 63
GRANTS_EDITION = "2"
"""Changes whenever :func:`grant_layer` gives something else than before, so that databases in place follow."""

_DIALECT = PGDialect()  # type: ignore[no-untyped-call]
_PREPARER = _DIALECT.identifier_preparer


def create_layer_tables(connection: Connection, definition: Definition) -> None:
    """Creates the feature, history and private tables of a new layer, with checks, indexes and grants.

    Args:
        connection: An owner connection inside a transaction.
        definition: The layer's first definition version.
    """
    features, history = feature_table(definition), history_table(definition)
    _set_required(features, definition)
    connection.execute(CreateTable(features))
    connection.execute(CreateTable(history))
    private = private_table(definition)
    if private is not None:
        connection.execute(CreateTable(private))
    _run(connection, "CREATE SEQUENCE {0}", _sequence(definition))
    _run(connection, "ALTER TABLE {0} ADD PRIMARY KEY (province_code, fid, from_revision)", history)
    for constraint in _checks(features, definition):
        connection.execute(AddConstraint(constraint))
    create_indexes(connection, definition)
    grant_layer(connection, definition)


def alter_layer_tables(connection: Connection, old: Definition, new: Definition) -> None:
    """Brings the tables of a layer to its next definition version.

    New fields are added as nullable columns, removed ones stay; checks and grants are made anew.

    Raises:
        DefinitionChangeRefused: The change needs another table: geometry type, key, or a field's type.
    """
    _refuse_rebuilds(old, new)
    known = {field.name for field in old.fields}
    for field in new.fields:
        if field.name in known:
            continue
        if not field.personal:
            for table in (feature_table(new), history_table(new)):
                _add_column(connection, table, field)
    private = private_table(new)
    if private is not None and private_table(old) is None:
        connection.execute(CreateTable(private))
    features = feature_table(new)
    names = connection.execute(
        text(
            "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:table)"
            " AND contype = 'c' AND starts_with(conname, 'ck_')"
        ),
        {"table": _quoted(features)},
    ).scalars()
    for name in list(names):
        _run(connection, "ALTER TABLE {0} DROP CONSTRAINT {1}", features, _PREPARER.quote(name))
    for constraint in _checks(features, new):
        connection.execute(AddConstraint(constraint))
    grant_layer(connection, new)


def _refuse_rebuilds(old: Definition, new: Definition) -> None:
    if old.geometry != new.geometry:
        raise DefinitionChangeRefused(new.slug, "geometry", str(old.geometry), str(new.geometry))
    if (old.key, old.key_ordinals) != (new.key, new.key_ordinals):
        raise DefinitionChangeRefused(new.slug, "key", ", ".join(old.key), ", ".join(new.key))
    before = {field.name: field for field in old.fields}
    for field in new.fields:
        was = before.get(field.name)
        if was and (was.type, was.personal) != (field.type, field.personal):
            raise DefinitionChangeRefused(new.slug, field.name, str(was.type), str(field.type))


def _add_column(connection: Connection, table: Table, field: Field) -> None:
    kind = sql_type(field.type).compile(dialect=_DIALECT)
    _run(connection, "ALTER TABLE {0} ADD COLUMN {1} " + kind, table, _PREPARER.quote(field.name))


def _set_required(table: Table, definition: Definition) -> None:
    for field in definition.fields:
        if field.required and not field.personal:
            table.c[field.name].nullable = False
    if definition.geometry is not None and definition.geometry_required:
        table.c.geom.nullable = False


def _checks(table: Table, definition: Definition) -> Iterator[CheckConstraint]:
    for field in definition.fields:
        if not field.personal:
            yield from _field_checks(table.c[field.name], field, table)
    if definition.geometry is None:
        return
    geom = table.c.geom
    sane = and_(
        ~func.ST_IsEmpty(geom),
        func.ST_XMin(geom) >= -180,
        func.ST_XMax(geom) <= 180,
        func.ST_YMin(geom) >= -90,
        func.ST_YMax(geom) <= 90,
    )
    yield _check("geom_range", sane, table)
    if definition.geometry is GeometryType.MULTIPOLYGON:
        yield _check("geom_valid", func.ST_IsValid(geom), table)


def _field_checks(column: Column[object], field: Field, table: Table) -> Iterator[CheckConstraint]:
    name = field.id
    if field.codes is not None and field.type is FieldType.TEXT_ARRAY:
        codes = func.string_to_array("\x1f".join(field.codes.codes), "\x1f")
        yield _check(f"{name}_codes", column.op("<@")(codes), table)
    elif field.codes is not None:
        yield _check(f"{name}_codes", column.in_(field.codes.codes), table)
    if field.minimum is not None:
        yield _check(f"{name}_min", column >= field.minimum, table)
    if field.maximum is not None:
        yield _check(f"{name}_max", column <= field.maximum, table)
    if field.type is FieldType.NUMBER:
        finite = and_(column < func.float8("Infinity"), column > func.float8("-Infinity"))
        yield _check(f"{name}_finite", finite, table)
    if field.max_length is not None and field.type is FieldType.TEXT:
        yield _check(f"{name}_length", func.char_length(column) <= field.max_length, table)
    if field.pattern is not None:
        yield _check(f"{name}_pattern", column.op("~")(field.pattern), table)


def _check(name: str, condition: object, table: Table) -> CheckConstraint:
    constraint = CheckConstraint(condition, name=_identifier(f"ck_{name}"))  # type: ignore[arg-type]
    constraint._set_parent(table)
    table.constraints.discard(constraint)
    return constraint


def create_indexes(connection: Connection, definition: Definition) -> None:
    """Creates the primary key and the indexes of the feature table, after a bulk load or on an empty table."""
    table = feature_table(definition)
    _run(
        connection,
        "ALTER TABLE {0} ADD CONSTRAINT {1} PRIMARY KEY (province_code, fid)",
        table,
        _name(table, "pk"),
    )
    for index in feature_indexes(definition):
        connection.execute(CreateIndex(index))


def drop_indexes(connection: Connection, definition: Definition) -> None:
    """Drops what :func:`create_indexes` made, so that a first bulk load builds each index once."""
    table = feature_table(definition)
    _run(connection, "ALTER TABLE {0} DROP CONSTRAINT {1}", table, _name(table, "pk"))
    for index in feature_indexes(definition):
        _run(connection, "DROP INDEX features.{0}", _PREPARER.quote(str(index.name)))


def feature_indexes(definition: Definition) -> list[Index]:
    """The indexes of a feature table besides its primary key."""
    table = Table(definition.table, feature_table(definition).metadata, schema="features")
    columns = table.c
    key = [columns[name] for name in definition.key]
    found = [
        _index(table, "fid", columns.fid, unique=True),
        _index(table, "key", columns.province_code, *key, columns.key_ordinal, unique=True),
        _index(table, "unit", columns.unit_code, columns.fid),
    ]
    if definition.geometry is not None:
        found.append(_index(table, "geom", columns.geom, using="gist"))
    if has_unit_codes(definition):
        several = Index(
            _identifier(f"{table.name}_several"),
            columns.geom,
            postgresql_using="gist",
            postgresql_where=lies_in_several(columns.unit_codes),
        )
        table.indexes.discard(several)
        found.append(several)
    if "tile_geom" in columns:
        found.append(_index(table, "tile", columns.tile_geom, using="gist"))
    return [*found, *_search_indexes(table, definition)]


def _search_indexes(table: Table, definition: Definition) -> Iterator[Index]:
    """What the search box needs: words of names without case and marks, and the numbers of parcels."""
    name = name_field(definition)
    if name is not None:
        plain = func.catalogue.folded(table.c[name]).label("plain")
        ways = {"plain": "gin_trgm_ops"}
        index = Index(_identifier(f"{table.name}_words"), plain, postgresql_using="gin", postgresql_ops=ways)
        index._set_parent(table)
        table.indexes.discard(index)
        yield index
    if is_parcel_layer(definition):
        numbers = func.upper(table.c.parcel), func.upper(table.c.sheet)
        index = Index(_identifier(f"{table.name}_numbers"), *numbers)
        index._set_parent(table)
        table.indexes.discard(index)
        yield index


def _index(table: Table, suffix: str, *columns: Column[object], unique: bool = False, using: str = "btree") -> Index:
    index = Index(_identifier(f"{table.name}_{suffix}"), *columns, unique=unique, postgresql_using=using)
    table.indexes.discard(index)
    return index


def grant_layer(connection: Connection, definition: Definition) -> None:
    """Gives the logins what the layer's sensitivity allows: row policies for readers, a guard for the writer.

    A wholly public layer carries no policy, only a GRANT, because a policy costs every statement a check. The
    writer login reads all rows, since counts and extents are worked out of them, and is held to the communes of
    its scope by a trigger on every change.
    """
    tables = [feature_table(definition), history_table(definition)]
    public = definition.sensitivity is Sensitivity.PUBLIC
    for table in tables:
        _run(connection, "GRANT SELECT ON {0} TO diaban_reader", table)
        _run(connection, "GRANT SELECT, INSERT, UPDATE, DELETE ON {0} TO diaban_writer", table)
        for policy in ("scope_read", "scope_write"):
            _run(connection, "DROP POLICY IF EXISTS {1} ON {0}", table, policy)
        _guard_writes(connection, definition, table)
        if public:
            _run(connection, "GRANT SELECT ON {0} TO diaban_public", table)
            _run(connection, "ALTER TABLE {0} DISABLE ROW LEVEL SECURITY", table)
            continue
        _run(connection, "REVOKE ALL ON {0} FROM diaban_public", table)
        _run(connection, "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY", table)
        own = _SPANNING if has_unit_codes(definition) else _IN_ONE
        _run(connection, _READ_POLICY.replace("{own}", own), table, *_layer_literals(definition))
        _run(connection, "CREATE POLICY scope_write ON {0} TO diaban_writer USING (true)", table)
    private = private_table(definition)
    if private is not None:
        _grant_private(connection, definition, private)
    _run(connection, "GRANT USAGE ON SEQUENCE {0} TO diaban_writer", _sequence(definition))


def _grant_private(connection: Connection, definition: Definition, private: Table) -> None:
    """Sealed values: the writer writes them; the login that opens them sees those of its scope, by a view."""
    _run(connection, "GRANT SELECT, INSERT ON {0} TO diaban_writer", private)
    opening = "opening." + _PREPARER.quote(definition.table)
    own = (_SPANNING if has_unit_codes(definition) else _IN_ONE).replace("unit_code", "f.unit_code")
    view = _OPENING_VIEW.replace("{own}", own)
    _run(connection, view, opening, *_layer_literals(definition), private, feature_table(definition))
    _run(connection, "ALTER VIEW {0} OWNER TO diaban_owner", opening)
    _run(connection, "GRANT SELECT ON {0} TO diaban_personal", opening)


# A view instead of a policy, because COPY does not write into a table with policies. It runs with the owner's rights.
_OPENING_VIEW = """
CREATE OR REPLACE VIEW {0} WITH (security_barrier) AS
SELECT f.fid, p.revision, p.sealed, k.person, k.restricted_at,
    CASE WHEN k.restricted_at IS NULL THEN k.wrapped END AS wrapped, f.unit_code
FROM {4} f LEFT JOIN {3} p ON p.fid = f.fid LEFT JOIN personal.keys k ON k.id = p.key_id
WHERE (SELECT access.reads_all({1}, {2})) OR {own}
"""
# What the gate set is looked up once a statement, by the sub-selects.
_READ_POLICY = """
CREATE POLICY scope_read ON {0} FOR SELECT TO diaban_reader USING (
    (SELECT access.reads_all({1}, {2})) OR {own}
)
"""
_IN_ONE = "unit_code = ANY ((SELECT access.read_units({1}, {2}))::text[])"
_SPANNING = "unit_codes && (SELECT access.read_units({1}, {2}))::text[]"
_GUARD = """
CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE OR DELETE ON {0} FOR EACH ROW
WHEN (current_user = 'diaban_writer') EXECUTE FUNCTION access.guard_write({1}, {2}, {3})
"""


def regrant_layers(connection: Connection) -> None:
    """Makes grants, policies and guards of all layers anew where an older program made them.

    Args:
        connection: A superuser's or the owner's, inside a transaction.
    """
    known = connection.execute(text("SELECT value FROM catalogue.settings WHERE name = 'grants'")).scalar_one_or_none()
    if known == GRANTS_EDITION:
        return
    for document in connection.execute(text("SELECT definition FROM catalogue.layers ORDER BY slug")).scalars().all():
        grant_layer(connection, from_json(document))
    connection.execute(
        text(
            "INSERT INTO catalogue.settings (name, value) VALUES ('grants', :edition)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"edition": GRANTS_EDITION},
    )


def _guard_writes(connection: Connection, definition: Definition, table: Table) -> None:
    spans = "'spans'" if has_unit_codes(definition) else "'one'"
    _run(connection, "DROP TRIGGER IF EXISTS guard_write ON {0}", table)
    _run(connection, _GUARD, table, *_layer_literals(definition), spans)


def _layer_literals(definition: Definition) -> tuple[str, str]:
    """Slug and sensitivity as SQL literals; both are made of letters, digits and hyphens only."""
    return f"'{definition.slug}'", f"'{definition.sensitivity.value}'"


def sequence_name(definition: Definition) -> str:
    """Qualified, quoted name of the sequence that gives the layer's fids."""
    return _sequence(definition)


def _sequence(definition: Definition) -> str:
    return "features." + _PREPARER.quote(_identifier(f"{definition.table}_fid_seq"))


def _name(table: Table, suffix: str) -> str:
    return _PREPARER.quote(_identifier(f"{table.name}_{suffix}"))


def _identifier(name: str) -> str:
    """Shortens a name to PostgreSQL's 63 bytes, keeping it unique by a hash."""
    if len(name) <= MAX_IDENTIFIER:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: MAX_IDENTIFIER - 9]}_{digest}"


def _quoted(table: Table) -> str:
    return _PREPARER.format_table(table)


def _run(connection: Connection, template: str, *identifiers: Table | str) -> None:
    """Runs one DDL statement; identifiers come from validated definitions and are quoted by SQLAlchemy."""
    quoted = [_quoted(item) if isinstance(item, Table) else item for item in identifiers]
    connection.exec_driver_sql(template.format(*quoted))
