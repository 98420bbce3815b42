"""Steps that several parts of the desk take alike: the lock, the right, and who sees what."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from layers.access import Scope, joined
from layers.definition import Definition
from layers.definition_json import from_json
from layers.errors import LayerNotFound
from layers.rights import Action, NotAllowed
from layers.uploads.errors import UploadNotFound
from layers.uploads.model import Upload
from layers.uploads.store import Seen, get_upload, layers_of_uploads

WORKING_ON_UPLOADS = (Action.EDIT, Action.APPROVE, Action.PUBLISH)


def is_visible(scope: Scope, upload: Upload) -> bool:
    """Whether an upload exists for a reader: the sender's own, and those of layers and units to work on."""
    if upload.sender == scope.subject:
        return True
    return any(scope.may(action, upload.layer, upload.unit_code) for action in WORKING_ON_UPLOADS)


def seen_by(connection: Connection, scope: Scope) -> Seen:
    """What a reader sees of uploads, for listing them: the same as :func:`is_visible` says of each."""
    slugs = layers_of_uploads(connection)
    return Seen(
        scope.subject, {slug: joined(scope.units_of(action, slug) for action in WORKING_ON_UPLOADS) for slug in slugs}
    )


def visible_upload(connection: Connection, scope: Scope, upload_id: UUID, *, lock: bool = False) -> Upload:
    """The upload where it exists for the reader.

    Raises:
        UploadNotFound: There is none, or it is none of the reader's business.
    """
    upload = get_upload(connection, upload_id, lock=lock)
    if not is_visible(scope, upload):
        raise UploadNotFound(str(upload_id))
    return upload


def require(scope: Scope, action: Action, upload: Upload) -> None:
    """Refuses who may not do this to the upload's layer in its unit.

    Raises:
        NotAllowed: The right is missing.
    """
    if not scope.may(action, upload.layer, upload.unit_code):
        raise NotAllowed(action, upload.layer)


def read_definition(connection: Connection, slug: str) -> tuple[Definition, int, int]:
    """Definition, definition version and revision of a layer, unlocked.

    Raises:
        LayerNotFound: There is no such layer.
    """
    row = connection.exec_driver_sql(
        "SELECT definition, definition_version, revision FROM catalogue.layers WHERE slug = %s", (slug,)
    ).one_or_none()
    if row is None:
        raise LayerNotFound(slug)
    return from_json(row.definition), int(row.definition_version), int(row.revision)
