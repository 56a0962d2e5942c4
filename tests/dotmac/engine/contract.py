"""What every engine does, asked of the fake and of a real one alike.

A subclass gives the fixtures `engine`, `another` (a second worker's view of the same host) and
`scene`, which makes specs and leaves behind what a killed worker would.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dotmac.engine import (
    Attachment,
    Engine,
    EngineError,
    ErrorCode,
    Mount,
)
from tests.dotmac.engine.commands import CommandContract
from tests.dotmac.engine.scene import (
    LIFE,
    MISSING_IMAGE,
    Scene,
    back,
    data_volume,
    events_until,
    front,
)


class EngineContract(CommandContract):
    """The behaviour that the platform relies on."""

    def test_it_says_what_its_host_has(self, engine: Engine) -> None:
        info = engine.ping()
        assert info.version
        assert info.api_version
        assert info.cpus >= 1
        assert info.memory_bytes > 0
        assert info.disk_free_bytes

    def test_an_image_on_the_host_is_found(self, engine: Engine, scene: Scene) -> None:
        image = engine.image(scene.service("web").image)
        assert image.id
        assert image.size > 0

    def test_a_missing_image_is_a_permanent_error(self, engine: Engine, scene: Scene) -> None:
        with pytest.raises(EngineError, match=MISSING_IMAGE) as caught:
            engine.image(MISSING_IMAGE)
        assert (caught.value.code, caught.value.permanent) == (ErrorCode.MISSING_IMAGE, True)

        spec = replace(scene.service("web"), image=MISSING_IMAGE)
        with pytest.raises(EngineError) as caught:
            engine.ensure_container(spec)
        assert (caught.value.code, caught.value.permanent) == (ErrorCode.MISSING_IMAGE, True)
        assert engine.containers(scene.labels) == ()

    def test_a_network_is_made_once_and_then_adopted(
        self, engine: Engine, another: Engine, scene: Scene
    ) -> None:
        made = engine.ensure_network(back(scene))
        assert made.internal
        assert made.subnet
        assert another.ensure_network(back(scene)) == made
        assert engine.networks(scene.labels) == (made,)

    def test_a_network_with_a_way_out_is_not_taken_for_an_internal_one(
        self, engine: Engine, scene: Scene
    ) -> None:
        engine.ensure_network(front(scene))
        with pytest.raises(EngineError) as caught:
            engine.ensure_network(replace(front(scene), internal=True))
        assert (caught.value.code, caught.value.permanent) == (ErrorCode.CONFLICT, True)

    def test_workers_that_make_one_network_at_once_make_one(
        self, engine: Engine, scene: Scene
    ) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: engine.ensure_network(back(scene)), range(8)))
        settled = engine.ensure_network(back(scene))
        assert engine.networks(scene.labels) == (settled,)
        assert {network.name for network in made} == {settled.name}

    def test_a_volume_is_made_once_and_then_adopted(
        self, engine: Engine, another: Engine, scene: Scene
    ) -> None:
        made = engine.ensure_volume(data_volume(scene))
        assert another.ensure_volume(data_volume(scene)) == made
        assert engine.volumes(scene.labels) == (made,)

    def test_a_container_runs_with_an_address_on_each_of_its_networks(
        self, engine: Engine, scene: Scene
    ) -> None:
        networks = [engine.ensure_network(front(scene)), engine.ensure_network(back(scene))]
        places = tuple(Attachment(network.name, ("web",)) for network in networks)
        made = engine.ensure_container(scene.service("web", networks=places))
        assert made.is_running
        assert made.exit_code is None
        assert made.started_at is not None
        assert set(made.addresses) == {network.name for network in networks}
        assert all(made.addresses.values())
        assert engine.container(made.name) == made

    def test_a_container_gets_the_address_it_asks_for(self, engine: Engine, scene: Scene) -> None:
        subnet = "10.213.77.0/28"
        network = engine.ensure_network(replace(back(scene), subnet=subnet))
        assert network.subnet == subnet
        place = Attachment(network.name, ipv4="10.213.77.9")
        made = engine.ensure_container(scene.service("db", networks=(place,)))
        assert made.addresses == {network.name: "10.213.77.9"}

    def test_the_same_container_again_is_the_one_that_runs(
        self, engine: Engine, another: Engine, scene: Scene
    ) -> None:
        spec = scene.service("web", environment={"SECRET": "one"})
        made = engine.ensure_container(spec)
        assert another.ensure_container(spec) == made

    def test_another_spec_replaces_the_container(self, engine: Engine, scene: Scene) -> None:
        spec = scene.service("web", environment={"SECRET": "one"})
        made = engine.ensure_container(spec)
        replaced = engine.ensure_container(replace(spec, environment={"SECRET": "two"}))
        assert replaced.id != made.id
        assert engine.containers(scene.labels) == (replaced,)

    def test_a_stopped_container_is_started_again(self, engine: Engine, scene: Scene) -> None:
        spec = scene.service("web")
        made = engine.ensure_container(spec)
        engine.stop(made.name, 0)
        engine.stop(made.name, 0)
        stopped = engine.container(made.name)
        assert stopped is not None
        assert not stopped.is_running
        assert stopped.exit_code is not None
        assert engine.ensure_container(spec).id == made.id
        engine.stop(made.name, 0)
        engine.start(made.name)
        engine.start(made.name)
        started = engine.container(made.name)
        assert started is not None
        assert started.is_running

    def test_a_container_that_a_killed_worker_left_unstarted_is_adopted(
        self, engine: Engine, scene: Scene
    ) -> None:
        networks = [engine.ensure_network(front(scene)), engine.ensure_network(back(scene))]
        places = tuple(Attachment(network.name) for network in networks)
        spec = scene.service("web", networks=places)
        scene.die_after_create(spec)
        (left,) = engine.containers(scene.labels)
        assert left.state == "created"
        made = engine.ensure_container(spec)
        assert made.id == left.id
        assert made.is_running
        assert set(made.addresses) == {network.name for network in networks}

    def test_workers_that_start_one_container_at_once_start_one(
        self, engine: Engine, scene: Scene
    ) -> None:
        spec = scene.service("web")
        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(lambda _: engine.ensure_container(spec), range(6)))
        assert len({one.id for one in made}) == 1
        assert len(engine.containers(scene.labels)) == 1

    def test_a_container_whose_network_is_missing_starts_once_it_is_there(
        self, engine: Engine, scene: Scene
    ) -> None:
        place = Attachment(scene.name("back"))
        spec = scene.service("db", networks=(place,))
        with pytest.raises(EngineError) as caught:
            engine.ensure_container(spec)
        assert (caught.value.code, caught.value.permanent) == (ErrorCode.NOT_FOUND, True)
        engine.ensure_network(back(scene))
        assert engine.ensure_container(spec).is_running

    def test_a_stopped_container_survives_its_network_being_made_anew(
        self, engine: Engine, scene: Scene
    ) -> None:
        network = engine.ensure_network(back(scene))
        spec = scene.service("db", networks=(Attachment(network.name),))
        engine.ensure_container(spec)
        engine.stop(spec.name, 0)
        engine.remove_network(network.name)
        engine.ensure_network(back(scene))
        made = engine.ensure_container(spec)
        assert made.is_running
        assert made.addresses[network.name]

    def test_things_are_found_by_all_their_labels(self, engine: Engine, scene: Scene) -> None:
        web = scene.service("web", labels={**scene.labels, "role": "web"})
        db = scene.service("db", labels={**scene.labels, "role": "db"})
        made = [engine.ensure_container(web), engine.ensure_container(db)]
        assert {one.id for one in engine.containers(scene.labels)} == {one.id for one in made}
        assert engine.containers({**scene.labels, "role": "web"}) == (made[0],)
        assert made[0].labels == web.labels
        assert engine.containers({**scene.labels, "role": "cache"}) == ()

    def test_removing_twice_is_removing_once(self, engine: Engine, scene: Scene) -> None:
        network, volume = (
            engine.ensure_network(back(scene)),
            engine.ensure_volume(data_volume(scene)),
        )
        spec = scene.service(
            "db",
            networks=(Attachment(network.name),),
            mounts=(Mount(volume.name, "/data"),),
        )
        engine.ensure_container(spec)
        for _ in range(2):
            engine.remove_container(spec.name)
            engine.remove_network(network.name)
            engine.remove_volume(volume.name)
        assert engine.container(spec.name) is None
        assert engine.networks(scene.labels) == ()
        assert engine.volumes(scene.labels) == ()

    def test_what_is_in_use_is_not_removed(self, engine: Engine, scene: Scene) -> None:
        network, volume = (
            engine.ensure_network(back(scene)),
            engine.ensure_volume(data_volume(scene)),
        )
        engine.ensure_container(
            scene.service(
                "db",
                networks=(Attachment(network.name),),
                mounts=(Mount(volume.name, "/data"),),
            )
        )
        for remove, name in (
            (engine.remove_network, network.name),
            (engine.remove_volume, volume.name),
        ):
            with pytest.raises(EngineError) as caught:
                remove(name)
            assert (caught.value.code, caught.value.permanent) == (ErrorCode.CONFLICT, False)

    def test_stopping_or_removing_what_is_not_there_is_no_error(
        self, engine: Engine, scene: Scene
    ) -> None:
        engine.stop(scene.name("none"), 0)
        engine.remove_container(scene.name("none"))
        with pytest.raises(EngineError) as caught:
            engine.start(scene.name("none"))
        assert (caught.value.code, caught.value.permanent) == (ErrorCode.NOT_FOUND, True)

    def test_events_tell_of_a_container_s_life_with_its_labels(
        self, engine: Engine, scene: Scene
    ) -> None:
        since = datetime.now(UTC)
        spec = scene.service("web")
        made = engine.ensure_container(spec)
        engine.stop(spec.name, 0)
        engine.remove_container(spec.name)
        seen = events_until(engine, since, made.id, "destroy")
        assert [event.action for event in seen if event.action in LIFE] == list(LIFE)
        assert all(event.at >= since for event in seen)
        assert {event.name for event in seen} == {spec.name}
        assert seen[0].labels.items() >= scene.labels.items()

    def test_an_event_stream_can_be_closed_from_another_thread(self, engine: Engine) -> None:
        stream = engine.events()
        ended = threading.Event()

        def follow() -> None:
            for _ in stream:
                pass
            ended.set()

        thread = threading.Thread(target=follow)
        thread.start()
        stream.close()
        thread.join(10)
        assert ended.is_set()
