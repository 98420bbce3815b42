"""Zalo groups, SMS and loudspeakers against a real server, and which means the settings set up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.sending.gateway import Gateway
from app.sending.senders import kinds_set_up, senders_of
from app.sending.zalo import Zalo
from app.settings import Settings
from scenarios.notifying.channel import ChannelKind
from scenarios.notifying.errors import SendFailed, SendRefused
from scenarios.notifying.letter import shortened
from tests.app.sending.letters import letter
from tests.app.sending.servers import http_server, status

TAKEN = status(200, b'{"error":0,"message":"Success"}')


class TestZalo:
    def test_posts_a_text_to_a_group_with_the_token(self) -> None:
        message = letter()
        with http_server(TAKEN) as server:
            Zalo(server.url, lambda: "the-token").send(message, "f414c8f7")
            (request,) = server.received
        assert (request.path, request.headers["access_token"]) == ("/v3.0/oa/group/message", "the-token")
        assert json.loads(request.body) == {"recipient": {"group_id": "f414c8f7"}, "message": {"text": message.text}}
        assert request.headers["idempotency-key"] == str(message.id)

    @pytest.mark.parametrize("body", [b'{"error":-216,"message":"x"}', b"<html>", b"[]", b"{}", b'{"error":null}'])
    def test_a_refusal_inside_a_200_is_one(self, body: bytes) -> None:
        with http_server(status(200, body)) as server, pytest.raises(SendFailed):
            Zalo(server.url, lambda: "x").send(letter(), "g")

    def test_a_long_digest_is_cut(self) -> None:
        with http_server(TAKEN) as server:
            Zalo(server.url, lambda: "x").send(replace(letter(), text="từ " * 2000), "g")
            said = json.loads(server.received[0].body)["message"]["text"]
        assert len(said) <= 1900
        assert said.endswith("từ…")

    def test_the_token_is_read_anew_each_time_and_a_missing_file_waits(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        with http_server(TAKEN) as server:
            settings = Settings(state_dir=tmp_path, zalo_url=server.url, zalo_token_file=file)
            zalo = senders_of(settings)[ChannelKind.ZALO]
            with pytest.raises(SendFailed, match="file"):
                zalo.send(letter(), "g")
            for token in ("first", "second"):
                file.write_text(f"{token}\n", encoding="ascii")
                zalo.send(letter(), "g")
            assert [request.headers["access_token"] for request in server.received] == ["first", "second"]


class TestGateway:
    @pytest.mark.parametrize(("kind", "address"), [(ChannelKind.SMS, "+84912345678"), (ChannelKind.LOUDSPEAKER, "l-3")])
    def test_posts_a_text_without_links(self, kind: ChannelKind, address: str) -> None:
        message = letter()
        with http_server(status(202)) as server:
            Gateway(server.url, kind, "secret").send(message, address)
            (request,) = server.received
        assert (request.path, request.headers["authorization"]) == ("/messages", "Bearer secret")
        assert json.loads(request.body) == {
            "id": str(message.id),
            "kind": kind.value,
            "to": address,
            "text": message.items[0].text,
        }

    def test_an_sms_is_short(self) -> None:
        with http_server(status(202)) as server:
            Gateway(server.url, ChannelKind.SMS).send(replace(letter(), items=letter().items * 9), "+84912345678")
            assert len(json.loads(server.received[0].body)["text"]) <= 280

    @pytest.mark.parametrize(("code", "error"), [(503, SendFailed), (404, SendRefused)])
    def test_answers_are_judged(self, code: int, error: type[Exception]) -> None:
        with http_server(status(code)) as server, pytest.raises(error):
            Gateway(server.url, ChannelKind.SMS).send(letter(), "+84912345678")


class TestSettings:
    def test_set_up_what_they_name(self, tmp_path: Path) -> None:
        bare = Settings(state_dir=tmp_path)
        whole = Settings(
            state_dir=tmp_path,
            smtp_host="mail.example.vn",
            smtp_password=SecretStr("mat-khau"),
            zalo_token=SecretStr("token-zalo"),
            gateway_url="https://gateway.example.vn/",
            gateway_token=SecretStr("token-cong"),
        )
        assert (kinds_set_up(bare), kinds_set_up(whole)) == ({ChannelKind.WEBHOOK}, set(ChannelKind))
        shown = repr(senders_of(whole)) + repr(whole)
        assert not any(secret in shown for secret in ("mat-khau", "token-zalo", "token-cong"))
        key = tmp_path / "secrets" / "webhook.key"
        assert key.stat().st_mode & 0o077 == 0
        assert key.read_text(encoding="ascii").strip() not in shown


@pytest.mark.parametrize(
    ("words", "most", "short"),
    [("một hai ba", 10, "một hai ba"), ("một hai ba", 9, "một hai…"), ("mộthaiba", 5, "mộth…")],
)
def test_texts_are_cut_between_words(words: str, most: int, short: str) -> None:
    assert shortened(words, most) == short
