"""How a file is to be read: its encoding, its delimiter, and which column is which."""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.subscribers.exceptions import FileRefusedError

COLUMNS = (
    "number",
    "name",
    "email",
    "phone",
    "street",
    "postcode",
    "city",
    "country",
    "plan",
    "username",
    "status",
    "external_id",
)
# What other systems and people call these columns, without case, blanks and signs.
_SYNONYMS = {
    "number": "customernumber subscribernumber accountnumber customerno accountno no nr",
    "name": "fullname customername subscribername customer subscriber",
    "email": "mail emailaddress",
    "phone": "telephone tel mobile phonenumber cell",
    "street": "address address1 addressline1 streetaddress",
    "postcode": "zip zipcode postalcode plz",
    "city": "town place",
    "country": "countrycode",
    "plan": "tariff package serviceplan planname product service",
    "username": "login pppoe pppoeusername pppoelogin radiususername",
    "status": "state",
    "external_id": "externalid externalreference reference ref customerid id legacyid",
}
_NAMES = {name: column for column, names in _SYNONYMS.items() for name in names.split()} | {
    column.replace("_", ""): column for column in COLUMNS
}
_DELIMITERS = ",;\t|"
_CHUNK = 64 * 1024
# What text never holds: control characters but tab, line ends and page break.
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_KNOWN_BINARIES = {
    b"PK\x03\x04": gettext_lazy("an Excel or other zipped file"),
    b"\xd0\xcf\x11\xe0": gettext_lazy("an old Excel workbook"),
    b"%PDF": gettext_lazy("a PDF"),
    b"\x1f\x8b": gettext_lazy("a compressed file"),
}
_ADVICE = gettext_lazy("Save the list as “CSV UTF-8” and upload that file.")


@dataclass(frozen=True)
class Layout:
    """How to read one file; `columns` names a column of ours per cell, or is empty there."""

    encoding: str
    delimiter: str
    header: list[str]
    columns: list[str]
    first_row: int = 2

    @property
    def ignored(self) -> list[str]:
        """Headings that mean nothing to us."""
        return [h for h, c in zip(self.header, self.columns, strict=True) if h and not c]

    def as_json(self) -> dict[str, object]:
        """The layout as it is stored beside the import."""
        return asdict(self)


def find_layout(path: Path) -> Layout:
    """Read the file once through and tell how; FileRefusedError says why it cannot be."""
    encoding = _find_encoding(path)
    row, cells, delimiter = _find_header(path, encoding)
    columns = [_column_of(cell) for cell in cells]
    _check_columns(cells, columns)
    return Layout(encoding, delimiter, cells, columns, first_row=row + 1)


def read_rows(path: Path, layout: Layout, *, after: int = 0) -> Iterator[tuple[int, list[str]]]:
    """The rows with their numbers as a spreadsheet shows them, blank ones left out.

    FileRefusedError names the row in which the file stops to be a table.
    """
    number = 0
    with path.open(encoding=layout.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=layout.delimiter)
        try:
            for number, cells in enumerate(reader, start=1):
                if number >= layout.first_row and number > after and any(c.strip() for c in cells):
                    yield number, cells
        except csv.Error as error:
            raise FileRefusedError(
                _(
                    "Row %(row)s cannot be read: %(error)s. Most often a closing quotation "
                    "mark is missing there."
                )
                % {"row": number + 1, "error": error}
            ) from error


def _find_encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    if not head.strip():
        raise FileRefusedError(_("The file is empty. Choose the one that holds your list."))
    for magic, what in _KNOWN_BINARIES.items():
        if head.startswith(magic):
            raise FileRefusedError(
                _("This is %(what)s, not a CSV file. %(advice)s")
                % {"what": what, "advice": _ADVICE}
            )
    wide = _wide_encoding(head)
    problem = ""
    for encoding in (wide,) if wide else ("utf-8-sig", "cp1252"):
        problem = _problem_of(path, encoding)
        if not problem:
            return encoding
        if wide or problem.startswith("zero"):
            break
    raise FileRefusedError(
        _("The file is not readable as text (%(problem)s). %(advice)s")
        % {"problem": problem, "advice": _ADVICE}
    )


def _wide_encoding(head: bytes) -> str:
    """UTF-16 by its mark, or by every second byte being zero; else nothing."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:400]
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if zeros and zeros.count(0) > 0.8 * len(zeros):
            return encoding
    return ""


def _problem_of(path: Path, encoding: str) -> str:
    """What is wrong with the file as text of an encoding; empty when all of it can be read."""
    line = 1
    try:
        with path.open(encoding=encoding, newline="") as file:
            while text := file.read(_CHUNK):
                found = _CONTROL.search(text)
                if found:
                    line += text.count("\n", 0, found.start())
                    what = "zero byte" if found[0] == "\0" else "control character"
                    return f"{what} in line {line}"
                line += text.count("\n")
    except UnicodeError:
        return f"a byte after line {line} that {encoding} does not know"
    return ""


def _find_header(path: Path, encoding: str) -> tuple[int, list[str], str]:
    """Number and cells of the first row that is not blank, and the delimiter."""
    with path.open(encoding=encoding, newline="") as file:
        for number, line in enumerate(iter(lambda: file.readline(_CHUNK), ""), start=1):
            # Excel's own first line, which no heading looks like.
            if not line.strip() or re.fullmatch(r"sep=.\s*", line):
                continue
            delimiter = max(_DELIMITERS, key=_outside_quotes(line).count)
            cells = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter))
            return number, [cell.strip() for cell in cells], delimiter
    raise FileRefusedError(_("The file holds blank lines only. Choose the one with your list."))


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _column_of(heading: str) -> str:
    return _NAMES.get(re.sub(r"[^a-z0-9]", "", heading.lower()), "")


def _check_columns(cells: list[str], columns: list[str]) -> None:
    known = [column for column in columns if column]
    twice = next((column for column in known if known.count(column) > 1), "")
    if twice:
        headings = [f"“{h}”" for h, c in zip(cells, columns, strict=True) if c == twice]
        raise FileRefusedError(
            _("The columns %(list)s both mean %(twice)s. Remove or rename one.")
            % {"list": _(" and ").join(headings), "twice": twice}
        )
    if "name" not in known:
        shown = ", ".join(f"“{cell[:40]}”" for cell in cells[:8])
        raise FileRefusedError(
            _(
                "The first row must name the columns, and one of them must be “name”; it "
                "holds %(shown)s. The columns are: %(list)s."
            )
            % {"shown": shown, "list": ", ".join(COLUMNS)}
        )
