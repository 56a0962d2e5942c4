import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotmac.stack import ManifestError, Resources, parse_manifest, resolve_environment, resources

SITE = {"SITE": "https://acme.example"}


def _problems(manifest, given, kept=None):
    with pytest.raises(ManifestError) as refusal:
        resolve_environment(manifest, given, kept=kept or {})
    return dict(refusal.value.problems)


def test_defaults_are_filled_in_and_secrets_made(workspace):
    values = resolve_environment(workspace, SITE, kept={})
    password = values.pop("DATABASE_PASSWORD")
    assert len(password) == 43
    assert values == SITE | {"SMTP_PORT": "587", "LANGUAGE": "en", "TELEMETRY": "false"}


def test_every_instance_gets_a_secret_of_its_own(workspace):
    made = {resolve_environment(workspace, SITE, kept={})["DATABASE_PASSWORD"] for _ in range(9)}
    assert len(made) == 9


def test_what_is_kept_stays(workspace):
    kept = resolve_environment(workspace, SITE | {"SMTP_HOST": "mx"}, kept={})
    assert resolve_environment(workspace, {}, kept=kept) == kept
    assert resolve_environment(workspace, {"SMTP_HOST": "mx2"}, kept=kept) == kept | {
        "SMTP_HOST": "mx2"
    }


def test_a_blank_goes_back_to_the_default_and_a_blank_secret_stays(workspace):
    kept = resolve_environment(workspace, SITE | {"SMTP_HOST": "mx", "SMTP_PORT": "25"}, kept={})
    blank = {"SMTP_HOST": "", "SMTP_PORT": "", "DATABASE_PASSWORD": ""}
    values = resolve_environment(workspace, blank, kept=kept)
    assert "SMTP_HOST" not in values
    assert values["SMTP_PORT"] == "587"
    assert values["DATABASE_PASSWORD"] == kept["DATABASE_PASSWORD"]


def test_what_is_fixed_cannot_be_changed_later(workspace):
    kept = SITE | {"DATABASE_PASSWORD": "hunter2"}
    problems = _problems(workspace, {"DATABASE_PASSWORD": "hunter3"}, kept)
    assert "fixed when the instance was made" in problems["environment.DATABASE_PASSWORD"]
    assert "hunter" not in str(problems)
    same = resolve_environment(workspace, {"DATABASE_PASSWORD": "hunter2"}, kept=kept)
    assert same["DATABASE_PASSWORD"] == "hunter2"
    first = resolve_environment(workspace, SITE | {"DATABASE_PASSWORD": "chosen"}, kept={})
    assert first["DATABASE_PASSWORD"] == "chosen"


def test_all_mistakes_are_told_with_their_names(workspace):
    given = {"SMTP_PRT": "1", "SMTP_PORT": "many", "LANGUAGE": "fr", "TELEMETRY": "maybe"}
    assert _problems(workspace, given) == {
        "environment.SMTP_PRT": "This app has no such setting; did you mean SMTP_PORT?",
        "environment.SMTP_PORT": "Write a whole number.",
        "environment.LANGUAGE": "Choose one of en, de.",
        "environment.TELEMETRY": "Write true or false.",
        "environment.SITE": "This setting is required; give it a value.",
    }


def test_a_kept_value_that_a_new_release_no_longer_takes_is_told(workspace):
    assert list(_problems(workspace, {}, SITE | {"LANGUAGE": "fr"})) == ["environment.LANGUAGE"]


def test_a_kept_name_that_a_new_release_dropped_is_left_out(workspace):
    assert "OLD" not in resolve_environment(workspace, SITE, kept={"OLD": "x"})


def _one(kind, **more):
    return parse_manifest(
        {
            "name": "notebook",
            "title": "Notebook",
            "version": "1",
            "services": {"web": {"image": "a:1", "port": 80, "public": True}},
            "environment": [{"name": "A", "type": kind, **more}],
        }
    )


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("integer", " +07 ", "7"),
        ("integer", "-5", "-5"),
        ("boolean", "YES", "true"),
        ("boolean", "0", "false"),
        ("url", " redis://cache:6379/0 ", "redis://cache:6379/0"),
        ("url", "https://[::1]:8443/x?y", "https://[::1]:8443/x?y"),
        ("string", " as it is ", " as it is "),
        ("secret", "-----BEGIN\nKEY-----", "-----BEGIN\nKEY-----"),
    ],
)
def test_values_take_the_one_form_of_their_type(kind, given, value):
    assert resolve_environment(_one(kind), {"A": given}, kept={}) == {"A": value}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("integer", "1.5"),
        ("integer", "١"),
        ("integer", "9" * 31),
        ("boolean", "2"),
        ("url", "example.org"),
        ("url", "https://"),
        ("url", "https://a b"),
        ("url", "https://a:99999"),
        ("url", "https://["),
        ("url", "javascript:alert(1)"),
        ("string", "a\0b"),
        ("string", "x" * 20_000),
    ],
)
def test_values_of_another_type_are_refused(kind, given):
    assert list(_problems(_one(kind), {"A": given})) == ["environment.A"]


@given(text=st.text(), kind=st.sampled_from(["string", "integer", "boolean", "url", "secret"]))
def test_a_resolved_value_resolves_to_itself(text, kind):
    manifest = _one(kind)
    try:
        values = resolve_environment(manifest, {"A": text}, kept={})
    except ManifestError:
        return
    assert resolve_environment(manifest, values, kept=values) == values


def test_resources_are_the_sum_over_services_and_volumes(workspace):
    assert resources(workspace) == Resources(
        memory_bytes=(256 + 192 + 512) * 2**20, nano_cpus=2_000_000_000, disk_bytes=5 * 2**30
    )


def test_a_volume_without_a_size_takes_a_gigabyte(notebook):
    notebook["services"]["web"]["volumes"] = {"files": "/srv"}
    notebook["volumes"] = {"files": {}}
    assert resources(parse_manifest(notebook)).disk_bytes == 2**30
