"""Webhooks against a real server: signed, bounded, and honest about what went wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest

from app.sending.webhook import Webhook, secret_of
from scenarios.notifying.errors import SendFailed, SendRefused
from tests.app.sending.letters import letter
from tests.app.sending.servers import Answer, drips, endless, hangs, http_server, status

KEY = b"key of the installation"


class TestMessage:
    def test_is_json_signed_over_moment_and_body_and_named_by_its_id(self) -> None:
        message = letter()
        with http_server(status(204)) as server:
            Webhook(KEY).send(message, f"{server.url}/hooks?x=1")
            (request,) = server.received
        moment = request.headers["x-diaban-timestamp"]
        signed = hmac.new(secret_of(KEY, message.channel_id).encode(), f"{moment}.".encode() + request.body, "sha256")
        assert request.headers["x-diaban-signature"] == f"sha256={signed.hexdigest()}"
        assert abs(int(moment) - time.time()) < 60
        assert request.path == "/hooks?x=1"
        assert request.headers["idempotency-key"] == str(message.id)
        document = json.loads(request.body)
        assert document["text"] == message.text
        assert document["items"][0]["alert"] == 1

    def test_a_repeat_has_the_same_key_and_another_channel_another_secret(self) -> None:
        message = letter()
        with http_server(status(200)) as server:
            for _ in range(2):
                Webhook(KEY).send(message, server.url)
            keys = {request.headers["idempotency-key"] for request in server.received}
        assert keys == {str(message.id)}
        assert secret_of(KEY, message.channel_id) != secret_of(KEY, letter().channel_id)
        assert KEY.hex() not in repr(Webhook(KEY))
        assert len(secret_of(KEY, message.channel_id)) == hashlib.sha256().digest_size * 2


class TestAnswers:
    @pytest.mark.parametrize("code", [500, 502, 503, 429, 408])
    def test_not_now_is_tried_again(self, code: int) -> None:
        with http_server(status(code, Retry_After="120")) as server, pytest.raises(SendFailed) as caught:
            Webhook(KEY).send(letter(), server.url)
        assert (str(code) in caught.value.reason, caught.value.wait_s) == (True, 120.0)

    @pytest.mark.parametrize("code", [400, 401, 404, 410, 413])
    def test_never_is_not(self, code: int) -> None:
        with http_server(status(code)) as server, pytest.raises(SendRefused, match=str(code)):
            Webhook(KEY).send(letter(), server.url)

    def test_a_redirect_is_not_followed(self) -> None:
        with http_server(status(200)) as inside, http_server(status(307, Location=inside.url)) as server:
            with pytest.raises(SendRefused, match="307"):
                Webhook(KEY).send(letter(), server.url)
            assert inside.received == []

    @pytest.mark.parametrize("answer", [hangs(8), drips(8)], ids=["silent", "dripping"])
    def test_one_that_hangs_is_left_when_its_time_is_over(self, answer: Answer) -> None:
        with http_server(answer) as server:
            began = time.monotonic()
            with pytest.raises(SendFailed, match="within"):
                Webhook(KEY, whole_s=0.5).send(letter(), server.url)
            assert time.monotonic() - began < 6

    def test_an_endless_answer_is_read_no_further_than_needed(self) -> None:
        with http_server(endless) as server:
            Webhook(KEY).send(letter(), server.url)

    def test_nobody_at_home_is_tried_again(self) -> None:
        with http_server(status(200)) as server:
            gone = server.url
        with pytest.raises(SendFailed):
            Webhook(KEY).send(letter(), gone)


class TestAddresses:
    @pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://x/", "http://", "x"])
    def test_only_http_is_spoken(self, address: str) -> None:
        with pytest.raises(SendRefused):
            Webhook(KEY).send(letter(), address)

    def test_only_machines_that_are_named(self) -> None:
        with http_server(status(200)) as server:
            with pytest.raises(SendRefused):
                Webhook(KEY, hosts=("hooks.example.vn",)).send(letter(), server.url)
            Webhook(KEY, hosts=("127.0.0.1",)).send(letter(), server.url)
            assert len(server.received) == 1
