"""What people type into the search box, read into words, parcels and positions."""

from __future__ import annotations

import pytest

from layers.search_text import Parcel, folded, parse_parcel, parse_positions, search_words


class TestWords:
    def test_marks_and_case_do_not_count(self) -> None:
        assert folded("Đường NGUYỄN Ẩn ễộ") == "duong nguyen an eo"
        assert folded("Nguyễn") == folded("Nguyễn")

    def test_the_longest_word_comes_first_and_none_twice(self) -> None:
        assert search_words("xã Mẫu xã Hoàng") == ["hoang", "mau", "xa"]


class TestParcels:
    @pytest.mark.parametrize(
        "text",
        ["tờ 12 thửa 34", "Tờ bản đồ số 12, thửa số 34", "thửa 34 tờ 12", "to 12 thua 34", "sheet 12 parcel 34"],
    )
    def test_sheet_and_parcel_in_any_words(self, text: str) -> None:
        assert parse_parcel(text) == Parcel("12", "34")

    @pytest.mark.parametrize("text", ["12 34", "tờ khai", "Trường Tiểu học số 12", "thửa 34"])
    def test_other_texts_are_none(self, text: str) -> None:
        assert parse_parcel(text) is None


class TestPositions:
    @pytest.mark.parametrize(
        "text",
        [
            "10.253, 105.972",
            "105.972, 10.253",
            "10,253; 105,972",
            "10.253 105.972",
            "10°15'10.8\"N 105°58'19.2\"E",
            "10°15′10,8″B 105°58′19,2″Đ",
        ],
    )
    def test_degrees_in_either_order(self, text: str) -> None:
        (found,) = parse_positions(text)
        assert (round(found.lon, 6), round(found.lat, 6)) == (105.972, 10.253)

    @pytest.mark.parametrize("text", ["496667.51 1133814.04", "1133814.04; 496667.51", "1133814,04 496667,51"])
    def test_vn2000_in_either_order_is_read_in_every_zone(self, text: str) -> None:
        # Accuracy reference: the tour's output of the nearest school, EPSG:9211.
        found = {item.crs.code: item for item in parse_positions(text)}
        assert abs(found[9211].lon - 105.9714) < 0.001
        assert abs(found[9211].lat - 10.2536) < 0.001
        assert len(found) == 20

    @pytest.mark.parametrize("text", ["Mẫu An", "12", "12 thửa 34", "99999999, 12", "°°°", "1e9, 2", "200 300"])
    def test_what_is_no_position_is_none(self, text: str) -> None:
        assert parse_positions(text) == []

    def test_long_texts_are_read_in_no_time_to_speak_of(self) -> None:
        assert parse_positions("1" * 100_000) == []
        assert parse_parcel("to " * 100_000) is None
