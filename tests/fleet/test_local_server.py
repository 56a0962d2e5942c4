"""The machine that DotMac runs on becomes a server when it has an engine."""

from io import StringIO

from django.core.management import call_command

from apps.fleet import engines
from apps.fleet.models import Region, Server
from apps.fleet.services.servers import local_room
from dotmac.engine import EngineInfo


def register():
    out = StringIO()
    call_command("register_local_server", stdout=out)
    return out.getvalue()


def test_an_engine_makes_this_machine_a_server(operator_schema):
    assert "Server local in region This machine" in register()
    server = Server.objects.get()
    assert (server.region.code, server.region.name) == ("local", "This machine")
    assert (server.cpu_millis, server.memory_mb) == (256_000, 14 * 1024)
    assert server.disk_mb == 92_160


def test_registering_again_keeps_what_the_operator_changed(operator_schema):
    register()
    Server.objects.update(memory_mb=100, is_draining=True)
    register()
    assert Server.objects.values_list("memory_mb", "is_draining").get() == (100, True)


def test_without_an_engine_the_region_is_there_and_the_way_to_one_is_told(operator_schema):
    engines.fake_engine("local").host.unreachable = True
    said = register()
    assert "does not answer" in said
    assert "install a Docker engine" in said
    assert Region.objects.get().code == "local"
    assert not Server.objects.exists()


def test_the_platform_keeps_memory_for_itself():
    def memory(gib):
        return local_room(EngineInfo("20.10", "1.41", 2, gib * 2**30, 0, 0)).memory_mb

    assert [memory(4), memory(64)] == [3276, 62 * 1024]
