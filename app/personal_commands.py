"""Commands on personal data: persons found, their requests received and done, values kept so long and no longer."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.table import Table
from sqlalchemy import Connection, Engine

from app.console import console, fail, say
from app.owner import owner_engine
from app.settings import Settings
from app.work_calendar import work_calendar
from layers.edit import UpdateFeature, edit_features
from layers.errors import LayerError
from layers.personal.acts import Gathered, erase, gather, lift, restrict
from layers.personal.counts import count_people
from layers.personal.erasures import keep_erasures
from layers.personal.people import By, Holding, find_at, find_holdings, get_person
from layers.personal.plain import seal_all
from layers.personal.requests import (
    PersonRequest,
    RequestKind,
    extend,
    finish,
    get_request,
    list_requests,
    receive,
    refuse,
)
from layers.personal.retention import Keeping, clear_keeping, end_keeping, list_keepings, set_keeping
from layers.publication import ChangeNote
from scenarios.work.calendar import local_day

personal_app = typer.Typer(help="Dữ liệu cá nhân · personal data", no_args_is_help=True)
AUTHOR: Final = "local-admin"
Number = Annotated[int, typer.Argument(help="Số yêu cầu, xem: diaban personal requests · number of the request")]
Reason = Annotated[str, typer.Option(help="Lý do báo cho người yêu cầu · what the person is told")]


@contextmanager
def _engine() -> Iterator[Engine]:
    try:
        with owner_engine() as engine:
            yield engine
    except LayerError as error:
        fail(error.vi, error.en)
        raise typer.Exit(1) from None


@contextmanager
def _owner() -> Iterator[Connection]:
    with _engine() as engine, engine.begin() as connection:
        yield connection


@personal_app.command("seal")
def seal_command() -> None:
    """Mã hóa dữ liệu cá nhân còn để ngỏ từ phiên bản cũ · seal what an older version left unsealed."""
    with _engine() as engine, engine.connect() as connection:
        count = seal_all(connection, tell=lambda name, done: say(f"{name}: {done}", f"{done} rows sealed"))
    say(f"Đã mã hóa {count} dòng", f"{count} rows sealed, none left")


@personal_app.command("find")
def find_command(
    by: Annotated[By, typer.Option(help="id: số định danh; phone: điện thoại; plate: biển số")] = By.ID,
    layer: Annotated[str | None, typer.Option(help="Hoặc lớp của một đối tượng · or a feature's layer")] = None,
    fid: Annotated[int | None, typer.Option(help="và số của đối tượng · and its number")] = None,
) -> None:
    """Tìm một người qua đúng số của họ (hỏi, không gõ vào lệnh) · find a person by a number, which is asked for."""
    with _owner() as connection:
        if layer is not None and fid is not None:
            found = find_at(connection, layer, fid)
        else:
            found = find_holdings(connection, by, _asked("Giá trị cần tìm · value to look for"))
    if not found:
        say("Không tìm thấy", "nobody found")
        raise typer.Exit(1)
    _show_holdings(found)


def _asked(question: str) -> str:
    """What is typed or piped in; an argument would stay in the shell's history and in the list of processes."""
    return str(typer.prompt(question, hide_input=sys.stdin.isatty()))


def _show_holdings(found: list[Holding]) -> None:
    table = Table("người · person", "lớp · layer", "số · fid", "", box=None)
    for one in found:
        remarks = ["đã xóa · erased"] * one.erased + ["hạn chế · restricted"] * one.restricted
        table.add_row(one.person, one.slug, str(one.fid), ", ".join(remarks))
    console.print(table)


@personal_app.command("requests")
def requests_command(
    waiting: Annotated[bool, typer.Option("--waiting", help="Chưa xong · those that wait")] = False,
    late: Annotated[bool, typer.Option("--late", help="Quá hạn · late ones only")] = False,
) -> None:
    """Các yêu cầu của chủ thể dữ liệu và hạn của chúng · requests of persons, with their clocks."""
    today = local_day(datetime.now(UTC))
    with _owner() as connection:
        found = list_requests(connection, waiting=waiting, late_on=today if late else None)
    heads = ("số · id", "loại · kind", "người · person", "nhận · received", "trả lời · answer", "hạn · due", "")
    table = Table(*heads, box=None)
    for one in found:
        state = "QUÁ HẠN · LATE" if one.is_late(today) else one.state.value
        received = str(local_day(one.received_at))
        days = (received, str(one.answer_due_on), str(one.due_on))
        table.add_row(str(one.id), one.kind, one.person, *days, f"{state} {one.reason}".strip())
    console.print(table)


@personal_app.command("receive")
def receive_command(
    kind: Annotated[RequestKind, typer.Argument(help="see | correct | export | restrict | lift | erase")],
    person: Annotated[str, typer.Argument(help="Mã người, xem: diaban personal find · the person's mark")],
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Ngày nhận · day it came")] = None,
) -> None:
    """Tiếp nhận yêu cầu, tính hạn theo luật · put a request on record, which starts its clock."""
    at = datetime.now(UTC) if on is None else on.replace(hour=5, tzinfo=UTC)
    after = work_calendar(Settings()).after
    with _owner() as connection:
        request = receive(connection, kind, person, at=at, day=local_day(at), after=after, author=AUTHOR)
    say(
        f"Yêu cầu số {request.id}: trả lời trước {request.answer_due_on}, xong trước {request.due_on}",
        f"request {request.id}: answer by {request.answer_due_on}, done by {request.due_on}",
    )


@personal_app.command("refuse")
def refuse_command(number: Number, reason: Reason) -> None:
    """Từ chối một yêu cầu, có lý do · refuse a request."""
    with _owner() as connection:
        refuse(connection, number, reason, at=datetime.now(UTC), author=AUTHOR)
    say(f"Đã từ chối yêu cầu số {number}", f"request {number} refused")


@personal_app.command("extend")
def extend_command(number: Number, reason: Reason) -> None:
    """Gia hạn một lần theo luật · extend a request once."""
    with _owner() as connection:
        received = local_day(get_request(connection, number).received_at)
        request = extend(connection, number, reason, day=received, author=AUTHOR)
    say(f"Hạn mới: {request.due_on}", f"due on {request.due_on}")


@personal_app.command("see")
def see_command(number: Number) -> None:
    """Cho người đó xem dữ liệu của mình · show the person what is held of them."""
    with _owner() as connection:
        request = _waiting(connection, number, RequestKind.SEE)
        held = gather(connection, get_person(connection, request.person), author=AUTHOR, act="personal_data_told")
        finish(connection, request, at=datetime.now(UTC), author=AUTHOR)
    table = Table("lớp · layer", "số · fid", "trường · field", "giá trị · value", box=None)
    for row in _rows(held):
        table.add_row(*(str(word) for word in row))
    console.print(table, markup=False)


@personal_app.command("export")
def export_command(
    number: Number, to: Annotated[Path, typer.Option(help="Tệp .json hoặc .csv mới · a new file")]
) -> None:
    """Xuất dữ liệu của một người ra JSON hoặc CSV · write what is held of a person into a file."""
    if to.suffix not in (".json", ".csv") or to.exists():
        fail("Tệp phải mới và có đuôi .json hoặc .csv.", "The file must be a new one that ends in .json or .csv.")
        raise typer.Exit(2)
    with _owner() as connection:
        request = _waiting(connection, number, RequestKind.EXPORT)
        held = gather(connection, get_person(connection, request.person), author=AUTHOR, act="personal_data_given")
        _write(to, held)
        finish(connection, request, at=datetime.now(UTC), author=AUTHOR)
    say(f"Đã ghi {to}", f"written to {to}; hand it over, then delete it")


def _write(path: Path, held: Gathered) -> None:
    path.touch(0o600, exist_ok=False)
    if path.suffix == ".json":
        document = {slug: {str(fid): values for fid, values in rows.items()} for slug, rows in held.items()}
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(("layer", "fid", "field", "value"))
        # A cell that a spreadsheet would run as a formula gets a leading apostrophe.
        writer.writerows(
            (*row[:3], "'" + str(row[3]) if str(row[3])[:1] in "=+-@\t\r" else row[3]) for row in _rows(held)
        )


def _rows(held: Gathered) -> Iterator[tuple[str, int, str, object]]:
    for slug, rows in held.items():
        for fid, values in rows.items():
            for field, value in values.items():
                yield slug, fid, field, value


@personal_app.command("correct")
def correct_command(
    number: Number,
    layer: Annotated[str, typer.Option(help="Lớp · layer")],
    fid: Annotated[int, typer.Option(help="Số đối tượng · the feature")],
    field: Annotated[list[str], typer.Option(help="Trường cần sửa; giá trị được hỏi · field, its value is asked for")],
) -> None:
    """Sửa dữ liệu của một người thành phiên bản mới · correct values, as a new revision."""
    values = {name: _asked(f"{name} (để trống: xóa giá trị · empty: no value)").strip() or None for name in field}
    with _owner() as connection:
        request = _waiting(connection, number, RequestKind.CORRECT)
        _require_holding(connection, request, layer, fid)
        note = ChangeNote(AUTHOR, message=f"yêu cầu · request {number}")
        done = edit_features(connection, layer, [UpdateFeature(fid, values)], note=note)
        finish(connection, request, at=datetime.now(UTC), author=AUTHOR)
    say(f"Đã sửa ở phiên bản {done.published.revision}", f"corrected in revision {done.published.revision}")


def _require_holding(connection: Connection, request: PersonRequest, layer: str, fid: int) -> None:
    if not any(one.person == request.person for one in find_at(connection, layer, fid)):
        fail("Đối tượng đó không giữ dữ liệu của người này.", "That feature holds nothing of this person.")
        raise typer.Exit(1)


@personal_app.command("restrict")
def restrict_command(number: Number) -> None:
    """Ngừng cho xem dữ liệu của một người, dù có quyền · show a person's values to nobody."""
    with _owner() as connection:
        request, now = _waiting(connection, number, RequestKind.RESTRICT), datetime.now(UTC)
        restrict(connection, get_person(connection, request.person), at=now, author=AUTHOR)
        finish(connection, request, at=now, author=AUTHOR)
    say("Từ giờ không ai xem được dữ liệu của người này", "nobody is shown this person's values from here on")


@personal_app.command("lift")
def lift_command(number: Number) -> None:
    """Thôi hạn chế · end a restriction."""
    with _owner() as connection:
        request = _waiting(connection, number, RequestKind.LIFT)
        lift(connection, get_person(connection, request.person), author=AUTHOR)
        finish(connection, request, at=datetime.now(UTC), author=AUTHOR)
    say("Đã thôi hạn chế", "the restriction has ended")


@personal_app.command("erase")
def erase_command(
    number: Number,
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại · do not ask")] = False,
) -> None:
    """Hủy khóa của một người: không đọc lại được nữa, kể cả từ bản sao lưu · destroy a person's keys for good."""
    if not yes:
        typer.confirm("Không lấy lại được. Tiếp tục? · This cannot be undone. Go on?", abort=True)
    with _engine() as engine:
        with engine.begin() as connection:
            request, now = _waiting(connection, number, RequestKind.ERASE), datetime.now(UTC)
            numbers = erase(connection, get_person(connection, request.person), at=now, author=AUTHOR)
            finish(connection, request, at=now, author=AUTHOR)
        with engine.begin() as connection:
            keep_erasures(connection)
    say(f"Đã hủy {len(numbers)} khóa", f"{len(numbers)} keys destroyed; the features stay")


def _waiting(connection: Connection, number: int, kind: RequestKind) -> PersonRequest:
    return get_request(connection, number, kind)


@personal_app.command("keep")
def keep_command(
    layer: Annotated[str | None, typer.Argument(help="Lớp; bỏ trống để xem · layer; none to list")] = None,
    days: Annotated[int | None, typer.Option(help="Số ngày; 0 để bỏ thời hạn · days; 0 for no end")] = None,
    basis: Annotated[str, typer.Option(help="Căn cứ · on what basis")] = "",
) -> None:
    """Thời hạn lưu dữ liệu cá nhân của từng lớp · how long personal values of a layer are kept."""
    with _owner() as connection:
        if layer is not None and days == 0:
            clear_keeping(connection, layer, author=AUTHOR)
        elif layer is not None and days is not None:
            set_keeping(connection, Keeping(layer, days, basis), author=AUTHOR)
        keepings = list_keepings(connection)
    table = Table("lớp · layer", "ngày · days", "căn cứ · basis", box=None)
    for keeping in keepings:
        table.add_row(keeping.layer, str(keeping.days), keeping.basis)
    console.print(table)


@personal_app.command("expire")
def expire_command() -> None:
    """Xóa ngay những giá trị đã quá thời hạn lưu · take out now what is past its time."""
    with _engine() as engine:
        with engine.begin() as connection:
            count = end_keeping(connection, datetime.now(UTC), author=AUTHOR)
        with engine.begin() as connection:
            keep_erasures(connection)
    say(f"Đã xóa {count} dòng", f"{count} rows taken out")


@personal_app.command("counts")
def counts_command() -> None:
    """Số chủ thể dữ liệu · how many persons' values are held."""
    with _owner() as connection:
        counts = count_people(connection)
    table = Table("lớp · layer", "người · persons", box=None)
    for slug, count in counts.by_layer.items():
        table.add_row(slug, f"{count:,}")
    console.print(table)
    say(f"{counts.people:,} người", f"{counts.people:,} persons, {counts.sensitive:,} of them in restricted layers")
