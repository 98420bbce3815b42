"""The job that answers a spatial question, for askers who do not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from app.database import Database, open_gate
from app.jobs import checked_scope, do_job, fresh_folder
from app.settings import Settings
from app.watcher import CatalogueWatcher
from layers.access import Scope
from layers.answer_formats import MEDIA_TYPES, write_answer
from layers.ask import ask
from layers.jobs import Job, JobStore
from layers.reader import Statements
from spatial.question import parse_question

ANSWER_FILE = "answer"


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers questions into files; its method belongs into a worker thread."""

    database: Database
    settings: Settings

    def run(self, job_id: str) -> None:
        """Answers the question of a job."""
        do_job(self.database, job_id, self.settings.keep_exports, self._answer)

    def _answer(self, _: JobStore, job: Job) -> dict[str, object]:
        with fresh_folder(self.settings.exports_dir, job) as folder:
            body, media_type = asyncio.run(self._ask(checked_scope(self.database, job.scope), job.request["inputs"]))
            (folder / ANSWER_FILE).write_bytes(body)
        return {"name": ANSWER_FILE, "media_type": media_type, "bytes": len(body)}

    async def _ask(self, scope: Scope, document: Mapping[str, object]) -> tuple[bytes, str]:
        watcher = CatalogueWatcher(self.database.dsn("diaban_watcher"))
        async with open_gate(self.database, self.settings) as gate, watcher.running():
            question = parse_question(dict(document))
            least = self.settings.small_count
            answer = await ask(gate, watcher.catalogue, scope, question, Statements(), least_group=least)
        return write_answer(answer), MEDIA_TYPES[question.format]
