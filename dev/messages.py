"""Extracts the texts of code and templates into locale/, and compiles what is translated.

`make messages` writes the same files wherever it runs: sorted, without places and dates. The
compiled files are committed, so that a clone needs no gettext; only extracting does.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "locale"
# Pages for developers, what others wrote, and what was made.
_LEFT_OUT = ("tests/*", "dev/*", ".venv/*", "var/*", "static/*", "docs/*", "images/*")
_METADATA = {
    "Project-Id-Version": "DotMac",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
}


def main() -> int:
    """Extract, compile and list what lacks a translation; returns how many that are, at most 1."""
    if shutil.which("xgettext") is None:
        print("  Extracting needs gettext: apt-get install gettext")
        return 2
    _extract()
    lacking = 0
    for path in catalogues():
        catalogue = tidied(path)
        catalogue.save(str(path))
        catalogue.save_as_mofile(str(path.with_suffix(".mo")))
        lacking += _tell(path, catalogue)
    return 1 if lacking else 0


def catalogues() -> list[Path]:
    """The catalogue of each language."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def tidied(path: Path) -> polib.POFile:
    """A catalogue as it is committed: sorted, without places, dates and what nobody says now."""
    catalogue = polib.pofile(str(path), wrapwidth=98)
    kept = {key: catalogue.metadata[key] for key in ("Language", "Plural-Forms")}
    kept["Language"] = path.parents[1].name
    catalogue.metadata = _METADATA | kept
    catalogue.header = ""
    for entry in list(catalogue):
        if entry.obsolete:
            catalogue.remove(entry)
        entry.occurrences = []
        if entry.fuzzy:
            _forget(entry)
    catalogue.sort(key=lambda entry: (entry.msgid, entry.msgctxt or ""))
    return catalogue


def missing(catalogue: polib.POFile) -> list[polib.POEntry]:
    """What has no translation."""
    return [entry for entry in catalogue if not entry.translated()]


def _forget(entry: polib.POEntry) -> None:
    """A guess of gettext's is no translation."""
    entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
    entry.previous_msgid = entry.previous_msgid_plural = entry.previous_msgctxt = None
    entry.msgstr, entry.msgstr_plural = "", dict.fromkeys(entry.msgstr_plural, "")


def _extract() -> None:
    languages = [f"--locale={path.parents[1].name}" for path in catalogues()]
    ignored = [f"--ignore={pattern}" for pattern in _LEFT_OUT]
    command = [sys.executable, "manage.py", "makemessages", "--no-location", "--no-wrap"]
    subprocess.run([*command, *languages, *ignored], cwd=ROOT, check=True, capture_output=True)


def _tell(path: Path, catalogue: polib.POFile) -> int:
    found = missing(catalogue)
    print(f"  {path.parents[1].name}: {len(catalogue)} texts, {len(found)} without translation")
    for entry in found:
        print(f"    {entry.msgid!r}")
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
