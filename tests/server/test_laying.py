"""What a release takes over from the one that serves."""

import compileall
import os
import shutil
from pathlib import Path

from dotmac.server import releases


def test_what_python_compiled_of_a_file_comes_along_if_every_byte_is_the_same(
    tmp_path: Path,
) -> None:
    served, new = tmp_path / "0.1", tmp_path / "0.2"
    (served / "apps").mkdir(parents=True)
    for name in ("same", "other", "later", "gone"):
        (served / f"apps/{name}.py").write_text("number = 1\n")
    shutil.copytree(served, new)
    compileall.compile_dir(served, quiet=1)
    (new / "apps/gone.py").unlink()
    # As long as before, and as old.
    was = (new / "apps/other.py").stat()
    (new / "apps/other.py").write_text("number = 2\n")
    os.utime(new / "apps/other.py", ns=(was.st_atime_ns, was.st_mtime_ns))
    os.utime(new / "apps/later.py", (was.st_atime + 9, was.st_mtime + 9))
    releases.bring_compiled(served, new)
    assert [file.name.partition(".")[0] for file in new.rglob("*.pyc")] == ["same"]
