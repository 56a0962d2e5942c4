import uuid
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dotmac.engine.spec import Attachment, Mount, NetworkSpec
from dotmac.stack import (
    Endpoint,
    HealthProbe,
    InstanceFacts,
    ManifestError,
    parse_manifest,
    plan_stack,
)


@pytest.fixture
def plan(workspace, facts):
    return plan_stack(workspace, instance=facts)


def _by_service(plan):
    return {spec.labels["dotmac.service"]: spec for spec in plan.containers}


def test_the_front_network_leads_out_and_the_back_one_is_internal(plan):
    labels = {"dotmac.instance": "5f0f3c1c8a3e4a6c9d411f6f0f9f7a10", "dotmac.operation": "0c4d"}
    assert plan.networks == (
        NetworkSpec("dm-5f0f3c1c8a3e-front", False, "10.80.0.0/28", labels),
        NetworkSpec("dm-5f0f3c1c8a3e-back", True, "10.80.0.16/28", labels),
    )


def test_stateless_services_are_named_by_deployment_and_stateful_ones_survive(plan):
    assert [spec.name for spec in plan.stateful] == ["dm-5f0f3c1c8a3e-database"]
    assert [spec.name for spec in plan.stateless] == [
        "dm-5f0f3c1c8a3e-web-7",
        "dm-5f0f3c1c8a3e-worker-7",
    ]


def test_only_the_public_service_and_those_with_egress_are_on_the_front_network(plan):
    front, back = "dm-5f0f3c1c8a3e-front", "dm-5f0f3c1c8a3e-back"
    assert {name: spec.networks for name, spec in _by_service(plan).items()} == {
        "database": (Attachment(back, aliases=("database",)),),
        "web": (Attachment(front), Attachment(back, aliases=("web",))),
        "worker": (Attachment(front), Attachment(back, aliases=("worker",))),
    }


def test_settings_and_built_ins_are_put_into_the_environment(plan):
    assert _by_service(plan)["web"].environment == {
        "ALLOWED_HOSTS": "acme.apps.test",
        "BASE_URL": "https://acme.apps.test",
        "DATABASE_URL": "postgres://dotmac:hunter2@database/dotmac",
        "DEBUG": "false",
        "PRICE": "5$",
        "WORKERS": "2",
    }


def test_a_service_gets_only_the_settings_that_it_names(plan):
    assert set(_by_service(plan)["worker"].environment) == {"DATABASE_URL"}


def test_a_value_is_put_in_once_and_not_read_again(workspace, facts):
    odd = replace(facts, environment={**facts.environment, "DATABASE_PASSWORD": "a$$b${BASE_URL}"})
    database = _by_service(plan_stack(workspace, instance=odd))["database"]
    assert database.environment == {"POSTGRES_PASSWORD": "a$$b${BASE_URL}"}


def test_limits_user_and_volumes_come_from_the_manifest(plan):
    database = _by_service(plan)["database"]
    assert database.mounts == (Mount("dm-5f0f3c1c8a3e-data", "/var/lib/postgresql"),)
    assert (database.user, database.stop_timeout_s) == ("10002:10002", 60)
    assert (database.memory_bytes, database.nano_cpus) == (512 * 2**20, 500_000_000)
    assert plan.volumes[0].name == "dm-5f0f3c1c8a3e-data"
    assert plan.volumes[0].labels["dotmac.backup"] == "true"


def test_containers_are_found_again_by_their_labels(plan):
    labels = dict(_by_service(plan)["web"].labels)
    assert len(labels.pop("dotmac.spec")) == 64
    assert labels == {
        "dotmac.instance": "5f0f3c1c8a3e4a6c9d411f6f0f9f7a10",
        "dotmac.operation": "0c4d",
        "dotmac.deployment": "7",
        "dotmac.service": "web",
        "dotmac.release": "dotmac-isp@2026.3",
    }


def test_the_release_command_runs_once_beside_the_services(plan):
    web, release = _by_service(plan)["web"], plan.release
    assert release.name == "dm-5f0f3c1c8a3e-release-7"
    assert release.command == ("dotmac", "migrate")
    assert (release.image, release.environment) == (web.image, web.environment)
    assert release.labels["dotmac.service"] == "release"
    assert all(not attachment.aliases for attachment in release.networks)
    assert plan.release_probe.name == "dm-5f0f3c1c8a3e-release-probe-7"
    assert plan.release_probe.command == ("dotmac", "migrate", "--check")


def test_an_app_without_a_release_command_has_no_one_off(notebook, facts):
    plan = plan_stack(parse_manifest(notebook), instance=facts)
    assert plan.release is None
    assert plan.release_probe is None


def test_the_edge_and_the_health_check_know_where_to_ask(plan):
    web = Endpoint("dm-5f0f3c1c8a3e-web-7", "dm-5f0f3c1c8a3e-front", 8000)
    assert plan.public == web
    assert plan.health == HealthProbe(web, "/readyz", 200, 30)


def test_a_health_check_may_ask_a_service_at_the_back(notebook, facts):
    notebook["services"]["api"] = {"image": "a:1", "port": 81}
    notebook["health"] = {"service": "api"}
    plan = plan_stack(parse_manifest(notebook), instance=facts)
    assert plan.health.endpoint == Endpoint("dm-5f0f3c1c8a3e-api-7", "dm-5f0f3c1c8a3e-back", 81)


def test_the_platform_may_name_other_images(workspace, facts):
    plan = plan_stack(workspace, instance=replace(facts, images={"web": "sha256:1234"}))
    assert _by_service(plan)["web"].image == plan.release.image == "sha256:1234"
    assert _by_service(plan)["worker"].image == "dotmac-app:2026.3"


def test_a_stateful_container_shows_whether_it_must_be_replaced(workspace, facts):
    def digest(**changes):
        plan = plan_stack(workspace, instance=replace(facts, **changes))
        return plan.stateful[0].labels["dotmac.spec"]

    assert digest() == digest(deployment=8, operation_id="0c4e")
    assert digest() != digest(images={"database": "dotmac-postgres:18"})


def test_a_plan_without_its_settings_or_services_is_refused(workspace, facts):
    incomplete = replace(facts, environment={}, images={"wbe": "a:1"})
    with pytest.raises(ManifestError) as refusal:
        plan_stack(workspace, instance=incomplete)
    assert {path for path, _ in refusal.value.problems} == {
        "images.wbe",
        "environment.DATABASE_PASSWORD",
        "environment.SITE",
    }


def test_an_unset_setting_leaves_its_variable_out_and_its_place_in_a_text_empty(notebook, facts):
    notebook["environment"] = [{"name": "HOST"}, {"name": "PORT"}]
    notebook["services"]["web"]["environment"] = {
        "ONLY": "${HOST}",
        "BOTH": "${HOST}${PORT}",
        "TEXT": "mail://${HOST}",
        "EMPTY": "",
    }
    bare = replace(facts, environment={})
    web = plan_stack(parse_manifest(notebook), instance=bare).stateless[0]
    assert web.environment == {"EMPTY": "", "TEXT": "mail://"}


def test_secrets_print_neither_with_the_facts_nor_with_the_plan(plan, facts):
    assert "hunter2" not in f"{facts!r} {plan!r}"


@pytest.mark.parametrize(
    "change", [{"instance_id": "acme"}, {"instance_id": "A" * 32}, {"deployment": 0}], ids=str
)
def test_facts_that_would_give_bad_names_are_refused(facts, change):
    with pytest.raises(ValueError, match="must be a uuid|numbered"):
        replace(facts, **change)


NAMES = st.text("abcdefgh", min_size=1, max_size=6)
SIZES = st.integers(8, 4096).map(lambda size: f"{size}M")


@st.composite
def manifests(draw):
    """Any app that is well described, as a mapping."""
    volumes = draw(st.lists(NAMES, unique=True, max_size=3))
    names = draw(st.lists(NAMES, unique=True, min_size=1, max_size=4))
    services = {name: draw(_services(volumes)) for name in names}
    services[names[0]] |= {"public": True, "port": 8000}
    mounted = {volume for service in services.values() for volume in service["volumes"]}
    return {
        "name": draw(st.text("abcdefgh", min_size=3, max_size=30)),
        "title": draw(st.text(min_size=1, max_size=40)),
        "version": "1",
        "services": services,
        "volumes": {name: {"backup": draw(st.booleans())} for name in sorted(mounted)},
        "environment": [{"name": "SECRET", "type": "secret", "generate": 16}],
        "release": draw(st.none() | st.just({"service": names[-1], "command": ["up"]})),
    }


def _services(volumes):
    mounts = st.lists(st.sampled_from(volumes), unique=True) if volumes else st.just([])
    return st.fixed_dictionaries(
        {
            "image": NAMES.map("{}:1".format),
            "volumes": mounts.map(lambda found: {name: f"/srv/{name}" for name in found}),
            "memory": SIZES,
            "cpu": st.integers(1, 80).map(lambda tenths: tenths / 10),
            "egress": st.booleans(),
            "user": st.integers(1, 65535).map(str),
            "environment": st.dictionaries(
                NAMES, st.sampled_from(["x", "${SECRET}", "$$", "${HOSTNAME}/${BASE_URL}"])
            ),
        }
    )


FACTS = st.builds(
    InstanceFacts,
    instance_id=st.uuids().map(lambda found: found.hex),
    deployment=st.integers(1, 10**6),
    operation_id=st.uuids().map(str),
    hostname=st.just("acme.apps.test"),
    base_url=st.just("https://acme.apps.test"),
    environment=st.just({"SECRET": "hunter2"}),
)


def _turned(tree):
    """Return an equal mapping whose keys stand in the reverse order."""
    if not isinstance(tree, dict):
        return tree
    return {key: _turned(tree[key]) for key in reversed(tree)}


@settings(max_examples=50)
@given(source=manifests(), instance=FACTS)
def test_the_same_input_gives_the_same_plan_in_every_order(source, instance):
    plan = plan_stack(parse_manifest(source), instance=instance)
    assert plan_stack(parse_manifest(source), instance=instance) == plan
    assert plan_stack(parse_manifest(_turned(source)), instance=instance) == plan
    assert plan_stack(parse_manifest(yaml.safe_dump(source)), instance=instance) == plan


@settings(max_examples=50)
@given(source=manifests(), instance=FACTS)
def test_no_plan_is_privileged_or_reaches_out_of_its_stack(source, instance):
    manifest = parse_manifest(source)
    plan = plan_stack(manifest, instance=instance)
    one_offs = [spec for spec in (plan.release, plan.release_probe) if spec is not None]
    specs = [*plan.containers, *one_offs]
    assert len({spec.name for spec in specs}) == len(specs)
    assert plan.back.internal
    for spec in specs:
        assert int(spec.user.split(":")[0]) > 0
        assert spec.capabilities == ()
        assert min(spec.memory_bytes, spec.nano_cpus, spec.pids_limit) > 0
        assert {mount.volume for mount in spec.mounts} <= {volume.name for volume in plan.volumes}
        assert {place.network for place in spec.networks} <= {net.name for net in plan.networks}
    for name, service in manifest.services.items():
        networks = {place.network for place in _by_service(plan)[name].networks}
        assert (plan.front.name in networks) is (service.public or service.egress)
        assert plan.back.name in networks


@settings(max_examples=50)
@given(source=manifests(), instance=FACTS, other=st.uuids())
def test_two_instances_share_no_name(source, instance, other):
    neighbour = replace(instance, instance_id=uuid.UUID(int=other.int ^ (1 << 127)).hex)
    manifest = parse_manifest(source)

    def names(facts):
        plan = plan_stack(manifest, instance=facts)
        return {part.name for part in (*plan.networks, *plan.volumes, *plan.containers)}

    if neighbour.short_id != instance.short_id:
        assert names(instance).isdisjoint(names(neighbour))


@settings(max_examples=50)
@given(source=manifests(), instance=FACTS)
def test_the_next_deployment_replaces_the_stateless_and_keeps_the_rest(source, instance):
    manifest = parse_manifest(source)
    now = plan_stack(manifest, instance=instance)
    later = plan_stack(manifest, instance=replace(instance, deployment=instance.deployment + 1))
    assert [spec.name for spec in now.stateful] == [spec.name for spec in later.stateful]
    assert {s.name for s in now.stateless}.isdisjoint(s.name for s in later.stateless)
    assert (now.networks, now.volumes) == (later.networks, later.volumes)
