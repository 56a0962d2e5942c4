"""Three steps, each of which makes one thing; with a fourth that fails, all is undone."""

from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.operations.exceptions import StepError
from apps.operations.pipelines import Pipeline, Run, Step, register
from tests.operations.demo.world import world_of

THINGS = ("place", "network", "app")


class _Make(Step):
    deadline_s = 60

    def check(self, run: Run) -> bool:
        return world_of(run).has(self.key) and self.key in run.memory

    def run(self, run: Run) -> None:
        world = world_of(run)
        world.pass_moment(f"{self.key}.run.before")
        run.assert_held()
        if not world.has(self.key):
            world.make(self.key)
        world.pass_moment(f"{self.key}.run.middle")
        run.log(f"Made {self.key}.")
        run.remember(**{self.key: "made"})

    def undo(self, run: Run) -> None:
        world = world_of(run)
        world.pass_moment(f"{self.key}.undo.before")
        run.assert_held()
        world.remove(self.key)
        world.pass_moment(f"{self.key}.undo.middle")
        run.log(f"Removed {self.key}.")


class Place(_Make):
    key, title = "place", "Reserve a place"


class Network(_Make):
    key, title = "network", "Make the network"


class App(_Make):
    key, title = "app", "Start the app"


class Check(Step):
    key, title = "check", "Look whether it answers"

    def run(self, run: Run) -> None:
        raise StepError("The app never became healthy. Look at its log.")


def _settle(run: Run, status: str) -> None:
    about = Subject("demo", run.operation.subject_id)
    events.record("demo.settled", actor=SYSTEM, subject=about, data={"status": status})
    world_of(run).pass_moment("settle")


STEPS = (Place, Network, App)
register(Pipeline("demo.build", "Build {subject}", STEPS, settle=_settle))
register(Pipeline("demo.fail", "Fail {subject}", (*STEPS, Check), settle=_settle))
