"""Asks a spatial question from the command line, with the same engine as the HTTP door."""

from __future__ import annotations

from app.database import Database, open_gate
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import Scope
from layers.answer_formats import write_answer
from layers.ask import ask
from layers.reader import Statements
from spatial.question import parse_question


async def ask_question(database: Database, settings: Settings, document: dict[str, object]) -> bytes:
    """Answers a question with the operator's scope: every layer, still without personal fields."""
    watcher = CatalogueWatcher(database.dsn("diaban_watcher"))
    async with open_gate(database, settings) as gate, watcher.running():
        question = parse_question(document)
        scope, least = Scope.local_admin(), settings.small_count
        answer = await ask(gate, watcher.catalogue, scope, question, Statements(), least_group=least)
        return write_answer(answer)
