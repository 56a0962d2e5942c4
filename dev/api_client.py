"""`make client`: typed Python packages for the API, one for each kind of host.

Made from the OpenAPI documents, so they know what this very version serves.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import django
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("operator", "console", "workspace")


def main() -> None:
    """Make those that are asked for, all by default, and say how they are installed."""
    parser = argparse.ArgumentParser(prog="make client")
    parser.add_argument("kinds", nargs="*", default=KINDS)
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "client")
    asked = parser.parse_args()
    for kind in asked.kinds:
        if kind not in KINDS:
            parser.error(f"{kind} is none of {', '.join(KINDS)}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    django.setup()
    for kind in asked.kinds:
        print(f"  ✓ pip install {make(kind, asked.folder)}")


def make(kind: str, folder: Path) -> Path:
    """Write the package `dotmac_<kind>` into a project folder, and return that.

    Needs Django set up, and no database. RuntimeError with what the generator said if it left
    anything out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"dotmac-{kind}"
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        document, config = Path(scratch) / "openapi.json", Path(scratch) / "config.yml"
        call_command(
            "spectacular",
            urlconf=f"config.urls.{kind}",
            format="openapi-json",
            file=str(document),
            validate=True,
            fail_on_warn=True,
        )
        config.write_text(
            f"project_name_override: dotmac-{kind}\npackage_name_override: dotmac_{kind}\n"
        )
        made = Path(scratch) / "made"
        _generate(document, config, made)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return target


def _generate(document: Path, config: Path, target: Path) -> None:
    tools = Path(sys.executable).parent
    command = [str(tools / "openapi-python-client"), "generate", "--meta", "setup"]
    command += ["--fail-on-warning", "--path", str(document), "--config", str(config)]
    # It formats what it wrote with the ruff that it finds.
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*command, "--output-path", str(target)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    main()
