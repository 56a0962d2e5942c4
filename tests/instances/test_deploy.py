"""An ISP's workspace is deployed in ten steps, and undone when one fails."""

from apps.fleet.edge import edge
from apps.fleet.models import Placement
from apps.instances.models import Instance
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from dotmac.engine.base import ImageInfo
from dotmac.engine.fake import FakeEngine
from dotmac.engine.own import is_own


def test_a_business_plan_gets_a_stack_of_its_own(sign_up, run_due, engine) -> None:
    isp = sign_up("north")
    run_due()
    with schema_of(isp.console.schema_name):
        operation = Operation.objects.get()
        assert operation.cause == ""
        assert operation.status == "succeeded"
        assert [step.status for step in operation.steps.all()] == ["done"] * 10
        instance = Instance.objects.get()
    assert instance.status == "active"
    assert edge().status("north.apps.localhost") == 200
    placement = Placement.objects.get(instance=instance.uuid)
    assert placement.status == "active"
    assert len(engine.containers({"dotmac.instance": instance.uuid.hex})) == 2


def test_our_own_images_are_never_asked_for_at_a_registry(
    sign_up, running_shop, run_due, monkeypatch
) -> None:
    asked: dict[str, bool] = {}

    def image(self: FakeEngine, ref: str, *, pull: bool = False) -> ImageInfo:
        asked[ref] = pull
        return ImageInfo("sha256:1", 1)

    monkeypatch.setattr(FakeEngine, "image", image)
    sign_up("north")
    run_due()
    running_shop.deploy()
    run_due()
    assert asked == {
        "dotmac/app:0.1.0": False,
        "dotmac/postgres:0.1.0": False,
        "example/db:17": True,
        "example/shop:2.0": True,
    }
    assert not is_own("registry.example/dotmac/app:0.1.0")


def test_a_starter_plan_is_there_at_once_without_containers(sign_up, run_due, engine) -> None:
    isp = sign_up("tiny", plan="starter")
    with schema_of(isp.console.schema_name):
        instance = Instance.objects.get()
        assert not Operation.objects.exists()
    assert (instance.status, instance.hosting) == ("active", "shared")
    assert not engine.containers({})
