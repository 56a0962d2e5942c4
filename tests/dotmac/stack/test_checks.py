import pytest

from dotmac.stack import parse_manifest


@pytest.fixture
def web(notebook):
    return notebook["services"]["web"]


def test_some_service_must_be_public(notebook, web, problems_of):
    web["public"] = False
    assert "No service is public" in problems_of(notebook)["services"]


def test_only_one_service_is_public(notebook, web, problems_of):
    notebook["services"]["api"] = dict(web)
    assert problems_of(notebook) == {"services.api.public": "Only one may be public, and web is."}


def test_the_public_service_has_a_port(notebook, web, problems_of):
    del web["port"]
    assert list(problems_of(notebook)) == ["services.web.port"]


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ({"health": {"service": "wbe"}}, "health.service"),
        ({"release": {"service": "wbe", "command": ["x"]}}, "release.service"),
        ({"backup": {"service": "wbe", "dump": ["x"]}}, "backup.service"),
        (
            {"consoles": [{"name": "sh", "service": "wbe", "command": ["sh"]}]},
            "consoles.sh.service",
        ),
    ],
    ids=["health", "release", "backup", "consoles"],
)
def test_a_service_that_is_named_must_be_there(notebook, problems_of, section, path):
    assert problems_of(notebook | section) == {
        path: "There is no service wbe; name one of `services`."
    }


def test_a_volume_that_is_mounted_must_be_declared(notebook, web, problems_of):
    web["volumes"] = {"files": "/srv/files"}
    assert problems_of(notebook) == {
        "services.web.volumes.files": "Declare this volume under `volumes`."
    }


def test_a_volume_that_is_declared_must_be_mounted(notebook, problems_of):
    notebook["volumes"] = {"files": {}}
    assert list(problems_of(notebook)) == ["volumes.files"]


@pytest.mark.parametrize(
    ("targets", "tmpfs"),
    [
        (["/srv", "/srv/files"], []),
        (["/srv/files", "/srv"], []),
        (["/srv", "/srv"], []),
        (["/srv"], ["/srv/cache"]),
        (["/var/tmp/x"], ["/var/tmp"]),
        ([], ["/run", "/run"]),
    ],
    ids=str,
)
def test_mounts_may_not_overlap(notebook, web, problems_of, targets, tmpfs):
    names = [f"v{letter}" for letter in "ab"[: len(targets)]]
    notebook["volumes"] = {name: {} for name in names}
    web |= {"volumes": dict(zip(names, targets, strict=True)), "tmpfs": tmpfs}
    assert "mount them apart" in problems_of(notebook)["services.web.volumes"]


def test_names_that_only_begin_alike_do_not_overlap(notebook, web):
    notebook["volumes"] = {"a": {}, "b": {}}
    web["volumes"] = {"a": "/srv/file", "b": "/srv/files"}
    assert parse_manifest(notebook)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${SMTP_HSOT}", "SMTP_HSOT is declared nowhere"),
        ("a${}b", "An empty name"),
        ("smtp://${SMTP_HOST", "not closed"),
        ("${A{B}}", "not closed"),
    ],
)
def test_a_reference_must_lead_somewhere(notebook, web, problems_of, text, words):
    notebook["environment"] = [{"name": "SMTP_HOST"}]
    web["environment"] = {"MAIL": text}
    assert words in problems_of(notebook)["services.web.environment.MAIL"]


@pytest.mark.parametrize("text", ["$HOME", "100$", "$$${SMTP_HOST}", "$${NOT_ONE}", "${BASE_URL}"])
def test_other_dollar_signs_are_text(notebook, web, text):
    notebook["environment"] = [{"name": "SMTP_HOST"}]
    web["environment"] = {"MAIL": text}
    assert parse_manifest(notebook)


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ({"name": "HOSTNAME"}, "environment.HOSTNAME.name"),
        ({"name": "A", "type": "choice"}, "environment.A.choices"),
        ({"name": "A", "choices": ["x"]}, "environment.A.choices"),
        ({"name": "A", "generate": 32}, "environment.A.generate"),
        (
            {"name": "A", "type": "secret", "generate": 32, "default": "x"},
            "environment.A.generate",
        ),
        ({"name": "A", "type": "secret", "default": "hunter2"}, "environment.A.default"),
        ({"name": "A", "type": "integer", "default": "many"}, "environment.A.default"),
        ({"name": "A", "type": "boolean", "default": "maybe"}, "environment.A.default"),
        ({"name": "A", "type": "url", "default": "example"}, "environment.A.default"),
        (
            {"name": "A", "type": "choice", "choices": ["x"], "default": "y"},
            "environment.A.default",
        ),
    ],
    ids=str,
)
def test_a_variable_must_make_sense(notebook, problems_of, variable, path):
    notebook["environment"] = [variable]
    problems = problems_of(notebook)
    assert list(problems) == [path]
    assert "hunter2" not in str(problems)


def test_names_stand_once(notebook, problems_of):
    shell = {"name": "sh", "service": "web", "command": ["sh"]}
    notebook |= {
        "environment": [{"name": "A"}, {"name": "A"}],
        "consoles": [shell, shell],
        "permissions": ["mail", "mail"],
    }
    assert set(problems_of(notebook)) == {"environment.A", "consoles.sh", "permissions.mail"}


def test_a_shell_needs_its_command(notebook, problems_of):
    notebook["consoles"] = [{"name": "sh", "service": "web"}]
    assert list(problems_of(notebook)) == ["consoles.sh.command"]


def test_the_health_check_asks_a_service_with_a_port(notebook, problems_of):
    notebook["services"]["worker"] = {"image": "a:1"}
    notebook["health"] = {"service": "worker"}
    assert list(problems_of(notebook)) == ["health.service"]


def test_a_schema_is_compatible_with_itself_at_most(notebook, problems_of):
    notebook["schema"] = {"version": 3, "compatible_from": 4}
    assert list(problems_of(notebook)) == ["schema.compatible_from"]


def test_backup_hooks_do_something(notebook, problems_of):
    notebook["backup"] = {"service": "web"}
    assert list(problems_of(notebook)) == ["backup"]


def test_sums_beyond_any_server_are_a_slip(notebook, web, problems_of):
    notebook["services"]["api"] = {"image": "a:1", "memory": "600G", "cpu": 200}
    web |= {"memory": "600G", "cpu": 200, "volumes": {"files": "/srv"}}
    notebook["volumes"] = {"files": {"size": "65T"}}
    assert set(problems_of(notebook)) == {"services", "volumes"}


def test_every_section_is_checked_in_one_go(notebook, web, problems_of):
    web |= {"volumes": {"files": "/tmp"}, "environment": {"A": "${B}"}}
    notebook |= {"volumes": {"spare": {}}, "health": {"service": "api"}}
    assert set(problems_of(notebook)) == {
        "services.web.volumes.files",
        "services.web.volumes",
        "services.web.environment.A",
        "volumes.spare",
        "health.service",
    }
