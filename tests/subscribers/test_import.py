"""Lists of subscribers: read, checked row by row, written whole or not at all."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from apps.core.csvs import guarded
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.operations.exceptions import BusyError
from apps.operations.models import Operation
from apps.subscribers import imports, services
from apps.subscribers.exporting import write_errors, write_subscribers
from apps.subscribers.models import Service, Subscriber, SubscriberImport
from apps.work.retention import forget_in

from .conftest import HEADER, make_plan, problems, rows

ALL, SKIP = SubscriberImport.Mode.ALL_OR_NOTHING, SubscriberImport.Mode.SKIP_ERRORS


def test_a_thousand_rows_are_checked_at_once_and_then_imported(bring, run_due):
    source = bring(rows(1000))
    assert (source.status, source.total_rows, source.error_rows) == ("checked", 1000, 0)
    assert not Subscriber.objects.exists()
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    source.refresh_from_db()
    assert (source.status, source.created_rows) == ("imported", 1000)
    assert Subscriber.objects.filter(status="active").count() == 1000
    person = Subscriber.objects.get(number="N-7")
    service = person.services.get()
    assert (person.name, person.email, person.external_id) == ("Person 7", "p7@example.com", "X7")
    assert (service.username, service.status) == ("user7", "active")
    assert str(service.address) == "7 Oak Avenue, 50613 Cedar Falls, US"
    assert service.changes.get().target == "active"
    assert not source.rows.exists()


def test_a_row_may_hold_a_name_only(bring, run_due):
    source = bring(b"Full name\nDora Diaz\n")
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    person = Subscriber.objects.get()
    assert (person.name, person.status) == ("Dora Diaz", "lead")
    assert person.number == f"S-{person.pk:06d}"


@pytest.mark.parametrize(
    ("word", "person", "service"),
    [
        ("", "active", "active"),
        ("Suspended", "active", "suspended"),
        ("blocked", "active", "suspended"),
        ("pending install", "qualified", "pending_install"),
        ("lead", "lead", "draft"),
        ("terminated", "inactive", "terminated"),
        ("archived", "archived", "terminated"),
    ],
)
def test_a_status_becomes_that_of_person_and_service(bring, run_due, word, person, service):
    source = bring(f"name,plan,status\nDora,fiber-100,{word}\n".encode())
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    found = Subscriber.objects.get()
    assert (found.status, found.services.get().status) == (person, service)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_of_common_programs_are_found(bring, run_due, encoding, delimiter):
    lines = [["Name", "Town", "Zip Code"], ["Zoë Müller", "Köln", "50667"]]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    source = bring(text.encode(encoding))
    assert source.cause == ""
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    person = Subscriber.objects.get()
    assert person.name == "Zoë Müller"
    assert person.addresses.get().city == "Köln"


def test_utf_16_without_a_mark_is_found(bring):
    source = bring("name,city\nDora,Lima\n".encode("utf-16-le"))
    assert (source.status, source.layout["encoding"]) == ("checked", "utf-16-le")


def test_a_line_that_excel_writes_for_itself_is_skipped(bring):
    source = bring(b"sep=;\nname;city\nDora;Lima\n;Quito\n")
    assert source.total_rows == 2
    assert problems(source) == [(4, "name", "The name is missing.")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \r\n\r\n", "is empty"),
        (b"PK\x03\x04" + b"\0" * 100, "an Excel or other zipped file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not readable as text"),
        (b"name\nDora\nEmil\x00\n", "zero byte in line 3"),
        (b"name\nDora\x07\n", "control character in line 2"),
        (b"name\nDora\x81\n", "does not know"),
        (b"Dora,dora@example.com\nEmil,emil@example.com\n", "The first row must name the columns"),
        (b"name,Full Name\nDora,Diaz\n", "both mean name"),
        (b"name,email\n", "no rows"),
        (b"name,email\n,\n , \n", "no rows"),
        (b'name\n"Dora\n' + b"x" * 200_000, "Row 2 cannot be read"),
        (b"\xff\xfea\x00\x00", "not readable as text"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_the_reason(bring, content, words):
    source = bring(content)
    assert source.status == "refused"
    assert words in source.cause
    assert not Subscriber.objects.exists()


BAD = [
    (",,a@example.com,,,,,,,,,", "name", "missing"),
    (",Dora,nobody,,,,,,,,,", "email", "no e-mail address"),
    (",Dora,,call me,,,,,,,,", "phone", "no telephone number"),
    (",Dora,,,,,,Atlantis,,,,", "country", "no country"),
    (",Dora,,,,,,,Gold,,,", "plan", "no plan “Gold”"),
    (",Dora,,,,,,,,dora,,", "plan", "needs a plan"),
    (",Dora,,,,,,,Fiber 100,do ra,,", "username", "without blanks"),
    (",Dora,,,,,,,,,asleep,", "status", "no status"),
    ("A B,Dora,,,,,,,,,,", "number", "at most 20"),
    (",=1+1,,,,,,,,,,", "name", "“=”"),
    (',"=HYPERLINK(""http://x"")",,,,,,,,,,', "name", "formula"),
    (",+Dora,,,,,,,,,,", "name", "“+”"),
    (",-Dora,,,,,,,,,,", "name", "“-”"),
    (",@SUM(A1),,,,,,,,,,", "name", "“@”"),
    (",\tDora,,,,,,,,,,", "name", "a tab"),
    (", =Dora,,,,,,,,,,", "name", "“=”"),
    (",Dora,,,=cmd|' /C calc'!A0,,,,,,,", "street", "formula"),
    (",Dora,,,,,,,,,,=1", "external_id", "formula"),
    (",Dora,,,,,,,,,,,,extra", "", "14 cells"),
    (f",{'x' * 65536},,,,,,,,,,", "name", "65,536 characters"),
]


@pytest.mark.parametrize(("line", "column", "words"), BAD)
def test_a_wrong_cell_is_named_by_row_and_column(bring, line, column, words):
    source = bring(f",Good,,,,,,,,,,\n{line}\n,Better,,,,,,,,,,")
    assert (source.total_rows, source.error_rows) == (3, 1)
    ((row, where, message),) = problems(source)
    assert (row, where) == (3, column)
    assert words in message


def test_telephones_may_begin_with_a_plus_and_marked_cells_are_unmarked(bring, run_due):
    source = bring(",Dora,,'+1 319 555 0100,,,,,,,,\n,Emil,,+1 319 555 0101,,,,,,,,")
    assert problems(source) == []
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    phones = Subscriber.objects.order_by("name").values_list("phone", flat=True)
    assert list(phones) == ["+1 319 555 0100", "+1 319 555 0101"]


def test_blank_lines_count_as_a_spreadsheet_counts_them(bring):
    source = bring(",Dora,,,,,,,,,,\n\n,,,,,,,,,,,\n,Emil,x,,,,,,,,,")
    assert source.total_rows == 2
    assert [row for row, _c, _m in problems(source)] == [5]


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("number", "A-1,Dora,,,,,,,,,,", "A-1,Emil,,,,,,,,,,"),
        ("external_id", ",Dora,,,,,,,,,,E1", ",Emil,,,,,,,,,,E1"),
        ("username", ",Dora,,,,,,,Fiber 100,d,,", ",Emil,,,,,,,Fiber 100,d,,"),
    ],
)
def test_twins_in_the_file_are_named_and_the_first_one_is_good(bring, column, first, second):
    source = bring("\n".join([first, rows(700), second]))
    ((row, where, message),) = problems(source)
    assert (row, where) == (703, column)
    assert "is in row 2 already" in message


def test_what_the_workspace_has_is_named(bring, service, dora):
    services.update_subscriber(dora, actor=SYSTEM, external_id="E1")
    source = bring(f"{dora.number},A,,,,,,,,,,\n,B,,,,,,,Fiber 100,dora,,\n,C,,,,,,,,,,E1")
    assert [(row, column) for row, column, _m in problems(source)] == [
        (2, "number"),
        (3, "username"),
        (4, "external_id"),
    ]
    assert all("who is here already" in message for _r, _c, message in problems(source))


def test_all_or_nothing_refuses_a_list_with_one_bad_row(bring):
    source = bring(f"{rows(3)}\n,,,,,,,,,,,E9")
    with pytest.raises(ConflictError, match="1 rows are in error"):
        imports.start_import(source, mode=ALL, actor=SYSTEM)
    assert not Operation.objects.exists()


def test_bad_rows_are_left_out_when_a_person_says_so(bring, run_due):
    source = bring(f"{rows(3)}\n,,,,,,,,,,,E9\n{rows(2, start=10)}")
    imports.start_import(source, mode=SKIP, actor=SYSTEM)
    run_due()
    source.refresh_from_db()
    assert (source.status, source.created_rows, source.error_rows) == ("imported", 5, 1)
    assert Subscriber.objects.count() == 5
    assert source.rows.count() == 1


def test_a_list_without_a_good_row_cannot_be_started(bring):
    with pytest.raises(ConflictError, match="No row"):
        imports.start_import(bring(",,x,,,,,,,,,"), mode=SKIP, actor=SYSTEM)


def test_a_double_click_imports_once(bring, run_due):
    source = bring(rows(3))
    again = SubscriberImport.objects.get(pk=source.pk)
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    with pytest.raises(ConflictError):
        imports.start_import(again, mode=ALL, actor=SYSTEM)
    run_due()
    assert Subscriber.objects.count() == 3


def test_somebody_made_in_between_stops_the_whole_list_and_is_named(bring, run_due):
    source = bring(rows(1200))
    services.create_subscriber(name="First", number="N-1100", actor=SYSTEM)
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    source.refresh_from_db()
    assert (source.status, source.created_rows, source.error_rows) == ("checked", 0, 1)
    assert "row 1101" in source.cause
    assert Subscriber.objects.get().name == "First"
    assert Operation.objects.get().status == "failed"


def test_and_is_left_out_of_a_list_that_may_have_gaps(bring, run_due):
    source = bring(rows(1200))
    services.create_subscriber(name="First", number="N-1100", actor=SYSTEM)
    imports.start_import(source, mode=SKIP, actor=SYSTEM)
    run_due()
    source.refresh_from_db()
    assert (source.status, source.created_rows, source.error_rows) == ("imported", 1199, 1)
    assert Subscriber.objects.count() == 1200


def test_a_failed_import_can_be_started_again(bring, run_due):
    source = bring(rows(600))
    blocker = services.create_subscriber(name="First", number="N-600", actor=SYSTEM)
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    source.refresh_from_db()
    assert source.status == "checked"
    assert blocker.number == "N-600"
    imports.start_import(source, mode=SKIP, actor=SYSTEM)
    run_due()
    assert Subscriber.objects.count() == 600


def test_a_drawn_number_never_meets_one_further_down_the_list(bring, run_due, dora):
    coming = f"S-{dora.pk + 2:06d}"
    source = bring(f",Emil,,,,,,,,,,\n,Felix,,,,,,,,,,\n{coming},Gina,,,,,,,,,,")
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    assert Subscriber.objects.get(number=coming).name == "Gina"
    assert Subscriber.objects.count() == 4


def test_each_batch_is_an_event(bring, run_due):
    source = bring(rows(1200))
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    batches = Event.objects.filter(type="subscribers.imported").order_by("id")
    assert [event.data["count"] for event in batches] == [500, 500, 200]
    assert Event.objects.filter(type="subscriber_import.imported").count() == 1


def test_each_row_that_is_written_is_an_event_of_its_own(bring, run_due):
    source = bring(rows(600))
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    made = Event.objects.filter(type="subscriber.created").order_by("id")
    people = Subscriber.objects.order_by("pk")
    assert [event.subject_id for event in made] == [str(one.uuid) for one in people]
    assert made[0].data == {"number": "N-1", "status": "active"}
    service = Service.objects.get(username="user1")
    event = Event.objects.get(type="service.created", subject_id=str(service.uuid))
    assert event.data["status"] == "active"
    assert Event.objects.filter(type="service.created").count() == 600


def test_rows_in_error_come_back_as_they_were_with_the_reason(bring):
    source = bring(f"{rows(2)}\n,=1+1,,+1 319 555 0100,,,,,,,,E9")
    text = io.StringIO()
    write_errors(source, text)
    header, line = csv.reader(io.StringIO(text.getvalue().removeprefix("\ufeff")))
    assert header == [*HEADER.split(","), "row", "error"]
    assert line[1] == "'=1+1"
    assert line[3] == "'+1 319 555 0100"
    assert line[-2] == "4"
    assert line[-1].startswith("name: ")


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1"])
def test_no_exported_cell_is_run(cell):
    assert guarded(cell).startswith("'")


def test_what_is_exported_can_be_imported_again(bring, run_due, in_workspace, initech):
    source = bring(rows(700))
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    run_due()
    services.suspend_service(Service.objects.first(), reason="admin", actor=SYSTEM)
    text = io.StringIO()
    write_subscribers(Subscriber.objects.all(), text)
    services_before = set(Service.objects.values_list("username", "status"))
    with in_workspace(initech):
        make_plan("Fiber 100")
        upload = ContentFile(text.getvalue().encode(), name="export.csv")
        imports.import_now(upload, actor=SYSTEM)
        assert set(Service.objects.values_list("username", "status")) == services_before
        assert Subscriber.objects.get(number="N-5").addresses.get().city == "Cedar Falls"


def test_a_list_belongs_to_its_isp(bring, in_workspace, initech):
    source = bring(rows(3))
    with in_workspace(initech):
        assert not SubscriberImport.objects.exists()
        assert "w_initech" in str(imports.file_of(source))
    assert "w_acme" in str(imports.file_of(source))


def test_a_list_that_nobody_imports_goes_after_a_week(bring, acme):
    old, refused, new = bring(rows(3)), bring("x"), bring(rows(3))
    week_ago = timezone.now() - timedelta(days=7, minutes=1)
    SubscriberImport.objects.filter(pk__in=[old.pk, refused.pk]).update(created_at=week_ago)
    files = [imports.file_of(one) for one in (old, refused, new)]
    assert all(file.exists() for file in files)
    forget_in(acme.workspace)
    assert [file.exists() for file in files] == [False, False, True]
    assert SubscriberImport.objects.get() == new
    # A console has no such lists.
    forget_in(acme.console)


def test_two_operations_on_one_list_are_not_possible(bring):
    source = bring(rows(3))
    imports.start_import(source, mode=ALL, actor=SYSTEM)
    source.status = "checked"
    SubscriberImport.objects.filter(pk=source.pk).update(status="checked")
    with pytest.raises(BusyError):
        imports.start_import(source, mode=ALL, actor=SYSTEM)
