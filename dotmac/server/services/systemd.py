"""systemd as the keeper: one hardened unit for each service."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from dotmac.server import plan
from dotmac.server.errors import SetupError
from dotmac.server.options import JOURNAL, Options
from dotmac.server.plan import Service

_PREFIX = "dotmac-"
_OPEN_FILES = 65536
# What none of them needs. A service reads its release and its settings and writes to two folders;
# the system's own files, other people's homes, devices and the kernel are out of reach.
_HARDENING = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0027"""


class SystemdServices:
    """Units dotmac-<service>.service; what they say goes to the journal."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def prepare(self, home: Path) -> None:
        """Write the units, and have systemd read them."""
        folder = self._options.layout.units
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in units(self._options).items():
            _write(folder / name, text)
        _write(self._options.layout.journal, journal(self._options))
        # Whoever wrote them before may have been killed before they were read.
        self._call("daemon-reload")
        self._call("try-restart", f"systemd-journald@{JOURNAL}.service", may_fail=True)

    def start(self, name: str) -> None:
        """As the protocol says."""
        self._call("reset-failed", _unit(name), may_fail=True)
        self._call("start", _unit(name))

    def stop(self, name: str) -> None:
        """As the protocol says."""
        self._call("stop", _unit(name))

    def is_running(self, name: str) -> bool:
        """As the protocol says."""
        return self._show(name, "ActiveState") == "active" and self.pid(name) > 0

    def pid(self, name: str) -> int:
        """As the protocol says."""
        return int(self._show(name, "MainPID") or 0)

    def keep(self, names: Collection[str]) -> None:
        """As the protocol says."""
        for name in plan.NAMES:
            self._call("enable" if name in names else "disable", "--quiet", _unit(name))

    def last_words(self, name: str, count: int) -> list[str]:
        """From the journal, without what systemd says about it."""
        tool = shutil.which("journalctl")
        if tool is None:
            return []
        own = f"_SYSTEMD_UNIT={_unit(name)}"
        where = f"--namespace={JOURNAL}"
        command = [tool, where, own, "-n", str(count), "-o", "cat", "--no-pager"]
        return subprocess.run(
            command, capture_output=True, text=True, check=False
        ).stdout.splitlines()

    def shut_down(self) -> None:
        """As the protocol says; nothing of it stays for the next start of the machine."""
        self.keep(())
        for name in reversed(plan.NAMES):
            self.stop(name)

    def _show(self, name: str, what: str) -> str:
        return self._call("show", "--property", what, "--value", _unit(name)).strip()

    def _call(self, *arguments: str, may_fail: bool = False) -> str:
        systemctl = shutil.which("systemctl")
        if systemctl is None:
            raise SetupError("There is no systemctl. Set SERVICES=supervisord.")
        done = subprocess.run([systemctl, *arguments], capture_output=True, text=True, check=False)
        if done.returncode and not may_fail:
            raise SetupError(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout


def units(options: Options) -> dict[str, str]:
    """Every unit's text by the name of its file."""
    return {_unit(one.name): _render(options, one) for one in plan.services(options)}


def journal(options: Options) -> str:
    """How long the journal keeps what services say: a file a day, each until it is so old.

    On disk, also where the machine's own journal is gone with its next start.
    """
    kept = (f"MaxRetentionSec={options.log_days}day", "MaxFileSec=1day")
    return "\n".join(("[Journal]", "Storage=persistent", *kept)) + "\n"


def _unit(name: str) -> str:
    return f"{_PREFIX}{name}.service"


def _write(file: Path, text: str) -> None:
    """Whole or not at all: a unit that was cut off would start as something else."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.chmod(0o644)
    new.replace(file)


def _render(options: Options, service: Service) -> str:
    parts = [
        "[Unit]",
        f"Description=DotMac: {service.title}",
        "After=network-online.target postgresql.service docker.service",
        "Wants=network-online.target",
        # A database that is away for an hour must not be the end of it.
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        *_identity(options, service),
        f"WorkingDirectory={service.directory}",
        *(f"Environment={name}={text}" for name, text in service.environment.items()),
        f"Environment=LOG_DAYS={options.log_days}",
        *_before(service),
        f"ExecStart={_line(service.command)}",
        "Restart=always",
        "RestartSec=1",
        # Its children are its own to end: a queue lets what is under way come to its end.
        "KillMode=mixed",
        f"TimeoutStopSec={service.stop_seconds}",
        f"LimitNOFILE={_OPEN_FILES}",
        f"SyslogIdentifier={_PREFIX}{service.name}",
        f"LogNamespace={JOURNAL}",
        *_rights(service),
        _HARDENING,
        f"ReadWritePaths={' '.join(_writable(options))}",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(parts) + "\n"


def _identity(options: Options, service: Service) -> list[str]:
    found = [f"User={options.user}", f"Group={options.user}"] if options.user else []
    return [*found, "SupplementaryGroups=docker"] if service.uses_docker else found


def _before(service: Service) -> list[str]:
    """With every right, and without harm where it fails: a warning of the doctor's, no outage."""
    return [f"ExecStartPre=-+{_line(service.before_as_root)}"] if service.before_as_root else []


def _rights(service: Service) -> list[str]:
    rights = "CAP_NET_BIND_SERVICE" if service.takes_low_ports else ""
    lines = [f"CapabilityBoundingSet={rights}"]
    return [*lines, f"AmbientCapabilities={rights}"] if rights else lines


def _writable(options: Options) -> list[str]:
    """Its own folder, and a directory that is mounted from where backups go."""
    offsite = options.says("BACKUP_DIRECTORY")
    return [str(options.layout.var), *([f"-{offsite}"] if offsite else [])]


def _line(command: Sequence[str]) -> str:
    """A command as systemd reads it, for which a percent sign begins a specifier."""
    return shlex.join(command).replace("%", "%%")
