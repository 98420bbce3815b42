"""The encodings before Unicode: every letter there and back, and a column tells which it is in."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.intake.codecs import DECODERS, Encoding, decode_cp1258, decode_tcvn3, decode_vni, find_encoding
from layers.intake.text import cast_votes, is_damaged, raise_capitals
from layers.intake.vietnamese import bare, is_syllable, same_name_form
from tests.layers.intake.encoders import ENCODERS, TCVN3_LETTERS, encode_cp1258, encode_tcvn3, encode_vni
from tests.layers.intake.factory import _FAMILY, _GIVEN, _HAMLET, _MIDDLE

SMALL = [letter for letter in TCVN3_LETTERS if letter.islower()]
ASCII = [chr(code) for code in range(32, 127)]
small_text = st.text(st.sampled_from(SMALL + ASCII))
any_case = st.text(st.sampled_from(SMALL + [letter.upper() for letter in SMALL] + ASCII))


class TestRoundTrips:
    @given(small_text)
    def test_tcvn3_small_letters(self, text: str) -> None:
        assert decode_tcvn3(encode_tcvn3(text)) == text

    @given(any_case)
    def test_tcvn3_any_case_but_for_case(self, text: str) -> None:
        assert decode_tcvn3(encode_tcvn3(text)).lower() == text.lower()

    @given(any_case)
    def test_vni(self, text: str) -> None:
        assert decode_vni(encode_vni(text)) == text

    @given(any_case)
    def test_cp1258(self, text: str) -> None:
        assert decode_cp1258(encode_cp1258(text)) == text

    def test_u_with_horn_is_the_soft_hyphen_of_tcvn3(self) -> None:
        assert decode_tcvn3(b"Tr\xad\xeang") == "Trường"

    def test_words_verified_in_vni(self) -> None:
        assert decode_vni("ÑAÁT TRÖÔØNG MAÀM NON".encode("latin-1")) == "ĐẤT TRƯỜNG MẦM NON"

    @given(st.binary())
    def test_no_bytes_break_a_decoder(self, raw: bytes) -> None:
        for decode in DECODERS.values():
            assert isinstance(decode(raw), str)


def _names(seed: int, count: int = 20) -> list[str]:
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    people = [" ".join((chance.choice(_FAMILY), chance.choice(_MIDDLE), chance.choice(_GIVEN))) for _ in range(count)]
    return people + [chance.choice(_HAMLET) for _ in range(3)]


class TestVotes:
    @pytest.mark.parametrize("encoding", list(ENCODERS))
    def test_a_column_of_twenty_names_tells_its_encoding_every_time(self, encoding: str) -> None:
        for seed in range(75):
            values = [ENCODERS[encoding](name).decode("latin-1") for name in _names(seed)]
            assert cast_votes(values, is_raw=True).best == encoding

    def test_utf8_encoded_twice_is_told_from_once(self) -> None:
        twice = [name.encode().decode("cp1252", "replace").encode().decode("latin-1") for name in _names(3)]
        assert cast_votes([v for v in twice if "?" not in v], is_raw=True).best is Encoding.UTF8_TWICE

    def test_tcvn3_that_a_program_took_for_latin1_is_still_found(self) -> None:
        values = [encode_tcvn3(name).decode("latin-1") for name in _names(5)]
        assert cast_votes(values, is_raw=False).best is Encoding.TCVN3

    def test_ascii_does_not_vote(self) -> None:
        assert cast_votes(["Nguyen Van A"], is_raw=True).words == 0


class TestWords:
    @pytest.mark.parametrize("word", ["Hòa", "Hoà", "ĐƯỜNG", "Quỳnh", "giếng", "Đắk", "khuỷu", "nghiêng", "Thuý"])
    def test_a_syllable(self, word: str) -> None:
        assert is_syllable(word)

    @pytest.mark.parametrize("word", ["Tr­êng", "NguyÔn", "Ñöôøng", "bàt", "xyz", "hòá"])
    def test_no_syllable(self, word: str) -> None:
        assert not is_syllable(word)

    def test_both_places_of_the_tone_name_the_same(self) -> None:
        assert same_name_form("Thanh Hóa") == same_name_form("thanh  HOÁ") != same_name_form("Thanh Hòa")

    def test_a_bare_name(self) -> None:
        assert bare("Tên chủ sử dụng_Đ") == "tenchusudungd"

    @pytest.mark.parametrize("text", ["Nhà d?c l?p", "Nguy\ufffdn", "?ường số 1"])
    def test_damage(self, text: str) -> None:
        assert is_damaged(text)

    @pytest.mark.parametrize("text", ["Có sổ đỏ chưa?", "A ? B", "Nhà độc lập", "???"])
    def test_no_damage(self, text: str) -> None:
        assert not is_damaged(text)

    def test_capitals_are_raised_where_the_plain_letters_are_capitals(self) -> None:
        assert raise_capitals("TR­ườNG MầM NON".replace("­", "")) == "TRƯỜNG MẦM NON"
        assert raise_capitals("Trường MN") == "Trường MN"
        assert raise_capitals("ấp 3") == "ấp 3"

    @pytest.mark.parametrize(("name", "found"), [("1252", Encoding.CP1252), ("utf8", Encoding.UTF8), ("xx", None)])
    def test_names_of_encodings(self, name: str, found: Encoding | None) -> None:
        assert find_encoding(name) is found

    @given(any_case)
    def test_the_form_of_names_does_not_depend_on_composition(self, text: str) -> None:
        assert same_name_form(unicodedata.normalize("NFD", text)) == same_name_form(text)
