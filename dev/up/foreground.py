"""The foreground process of a run: starts the children in order, watches them, ends them."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from dev import postgres
from dev.up.crashes import DATABASE, LIMIT, Crashes
from dev.up.options import Options
from dotmac.server import proc, supervision
from dotmac.server.errors import SetupError
from dotmac.server.logs import Follower, last_words, without_stack
from dotmac.server.programs import Plan, Program
from dotmac.server.supervision import State, Supervisor, SupervisorGoneError
from dotmac.server.terminal import CROSS, DASH, Terminal

POLL_SECONDS = 0.2
READY_SECONDS = 180
STOP_GRACE_SECONDS = 5
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CrashError(SetupError):
    """Children died too often."""


@contextmanager
def only_run(options: Options) -> Iterator[None]:
    """Hold this folder for one run; the kernel lets go of it however the process ends."""
    with (options.run / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                "The platform already runs from this folder. `make down` ends it."
            ) from error
        yield


@contextmanager
def ending_signals_interrupt() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal all end the run the same way."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Foreground:
    """One run, from the first child to the last."""

    def __init__(self, options: Options, plan: Plan, terminal: Terminal) -> None:
        self.options = options
        self.plan = plan
        self.terminal = terminal
        self.supervisor: Supervisor | None = None
        self._last_died = ""
        self._crashes = Crashes(program.name for program in plan.programs if not program.once)

    def run(
        self,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool],
        announce: Callable[[], None],
    ) -> int:
        """Start, announce, stay, end; the exit code is 0 when a person ended it."""
        try:
            self.start(environment, is_ready)
            announce()
            self.watch()
        except KeyboardInterrupt:
            return 0
        except SupervisorGoneError:
            self.terminal.fail(f"The supervisor ended unexpectedly. Logs: {self.options.log}")
        except SetupError as error:
            self.terminal.fail(str(error))
        finally:
            self.end()
        return 1

    def start(self, environment: Mapping[str, str], is_ready: Callable[[], bool]) -> None:
        """Start everything up to readiness; raises SetupError with the reason."""
        self.supervisor = supervision.start(self.options, self.plan.programs, environment)
        if self.plan.database:
            with self.terminal.step("Database"):
                self._start_database(self.plan.database)
        for program in self.plan.before:
            if not self._is_done(program):
                with self.terminal.step(program.title):
                    self._run_to_end(program)
        with self.terminal.step("Platform"):
            for program in self.plan.lasting:
                self._live.start(program.name)
            self._wait_ready(is_ready)

    def watch(self) -> None:
        """Stay until interrupted; meanwhile run what comes after. Raises CrashError."""
        for program in self.plan.after:
            if not self._is_done(program):
                self._run_after(program)
        while True:
            self._look()
            time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """End every child; a second Ctrl-C kills at once."""
        supervisord = supervision.recorded(self.options).get("supervisord")
        if supervisord is None:
            return
        self.terminal.finish(DASH, note="interrupted")
        with self.terminal.step("Stopped"):
            try:
                with ending_signals_interrupt():
                    self._end_politely(supervisord)
            except KeyboardInterrupt:
                for number in ENDING_SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
                self._kill(supervisord)

    @property
    def _live(self) -> Supervisor:
        assert self.supervisor is not None
        return self.supervisor

    def _end_politely(self, supervisord: proc.Process) -> None:
        """End the database after those who use it, then the supervisor itself."""
        supervisor = Supervisor(self.options, supervisord)
        try:
            self._stop(supervisor, [one for one in self.plan.programs if one.name != DATABASE])
            self._stop(supervisor, [one for one in self.plan.programs if one.name == DATABASE])
        except (SupervisorGoneError, *supervision.CONNECTION_ERRORS):
            self.terminal.detail("the supervisor no longer answers")
        supervision.end(self.options, supervisord, self.terminal.tick)

    def _stop(self, supervisor: Supervisor, programs: Sequence[Program]) -> None:
        names = {one.name for one in programs}

        def are_over() -> bool:
            self.terminal.tick()
            return all(one.is_over for one in supervisor.states() if one.name in names)

        supervisor.stop(names)
        longest = max((one.stop_seconds for one in programs), default=0)
        proc.wait_until(are_over, longest + STOP_GRACE_SECONDS)

    def _kill(self, supervisord: proc.Process) -> None:
        for child in (*proc.in_session(supervisord), supervisord):
            proc.send(child, signal.SIGKILL)
        supervision.end(self.options, supervisord)

    def _start_database(self, program: Program) -> None:
        """Start the database and wait until it lets a client in."""
        self._live.start(program.name)
        port = self.options.port("DATABASE_PORT")

        def answers() -> bool:
            self._look()
            return postgres.is_ready(self.options.postgres, port)

        if not proc.wait_until(answers, READY_SECONDS, POLL_SECONDS / 2):
            raise SetupError(self._last_words(program.name, "The database does not answer."))

    def _wait_ready(self, is_ready: Callable[[], bool]) -> None:
        def check() -> bool:
            self._look()
            return is_ready()

        if not proc.wait_until(check, READY_SECONDS, POLL_SECONDS):
            sentence = f"The platform does not answer after {READY_SECONDS} s."
            raise SetupError(self._last_words(self._last_died or "web", sentence))

    def _run_to_end(self, program: Program) -> None:
        self._log(program.name).unlink(missing_ok=True)
        follower = Follower(self._log(program.name))
        self._live.start(program.name)
        while True:
            states = self._look()
            for line in without_stack(follower.lines()):
                self.terminal.detail(line)
            state = next(state for state in states if state.name == program.name)
            if state.is_over:
                break
            time.sleep(POLL_SECONDS / 2)
        if state.exit_code:
            raise SetupError(self._last_words(program.name, f"{program.title} failed."))
        self._stamp_file(program).write_text(program.stamp)

    def _is_done(self, program: Program) -> bool:
        """Whether a step that is known by a stamp ran to its end with this very one."""
        file = self._stamp_file(program)
        return bool(program.stamp) and file.exists() and file.read_text() == program.stamp

    def _stamp_file(self, program: Program) -> Path:
        return self.options.run / f"{program.name}.done"

    def _run_after(self, program: Program) -> None:
        """What comes after may fail without ending the run."""
        self.terminal.begin(program.title)
        try:
            self._run_to_end(program)
        except CrashError:
            raise
        except SetupError as error:
            self.terminal.finish(mark=CROSS)
            self.terminal.warn(str(error))
            return
        self.terminal.finish()

    def _look(self) -> list[State]:
        """Read the children's states, say who died, and give up when that is too often."""
        states = self._live.states()
        now = time.monotonic()
        died = self._crashes.note(states, now)
        for state in died:
            self._last_died = state.name
            log = self._shown(self._log(state.name))
            self.terminal.warn(f"{state.name} ended unexpectedly; it is started again. Log: {log}")
        if died and self._crashes.are_too_many(now):
            sentence = (
                f"Children died {LIMIT} times within a minute, the last one was {died[-1].name}."
            )
            raise CrashError(self._last_words(died[-1].name, sentence))
        self.terminal.tick()
        return states

    def _last_words(self, name: str, sentence: str) -> str:
        log = self._log(name)
        words = "".join(f"\n      {line}" for line in last_words(log, 5))
        return f"{sentence} The log is {self._shown(log)}; its last lines:{words}"

    def _log(self, name: str) -> Path:
        return self.options.log / f"{name}.log"

    def _shown(self, path: Path) -> str:
        """A path as a person would type it from the project's folder."""
        return os.path.relpath(path, self.options.root)
