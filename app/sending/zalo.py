"""Groups of Zalo, through the Official Account API or whatever speaks it at another address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson

from app.sending.http import WHOLE_S, post
from scenarios.notifying.errors import SendFailed
from scenarios.notifying.letter import Letter, shortened

PATH: Final = "/v3.0/oa/group/message"
MOST_CHARACTERS: Final = 1900


@dataclass(frozen=True, slots=True)
class Zalo:
    """Sends messages to groups.

    Attributes:
        base: Address of the API, without a final slash.
        token: Gives the access token as it is now: it lasts a day and is renewed elsewhere.
    """

    base: str
    token: Callable[[], str] = field(repr=False)
    whole_s: float = WHOLE_S

    def send(self, message: Letter, address: str) -> None:
        """Posts a text to a group.

        Zalo answers 200 even where it refuses; the fact stands in ``error``. Its numbers have changed their meaning
        from version to version, so that each refusal but zero is tried again until it is given up.

        Raises:
            SendFailed: It did not go out; trying again may help.
            SendRefused: It did not go out and will not.
        """
        document = {"recipient": {"group_id": address}, "message": {"text": shortened(message.text, MOST_CHARACTERS)}}
        headers = {
            "Content-Type": "application/json",
            "access_token": self.token(),
            "Idempotency-Key": str(message.id),
        }
        answer = post(f"{self.base}{PATH}", orjson.dumps(document), headers, whole_s=self.whole_s)
        try:
            error = orjson.loads(answer.body)["error"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise SendFailed("an answer that is not Zalo's") from None
        if error != 0:
            raise SendFailed(f"Zalo answered error {str(error)[:20]}")
