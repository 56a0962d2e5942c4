from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dotmac.stack import ManifestError, parse_manifest


def test_a_web_app_needs_a_name_an_image_and_a_port(notebook_yaml):
    web = parse_manifest(notebook_yaml).services["web"]
    assert web.image == "registry.example:5000/acme/notebook:1.10"
    assert (web.port, web.public) == (8080, True)


def test_what_is_not_said_is_unprivileged_and_limited(notebook):
    web = parse_manifest(notebook).services["web"]
    assert web.user == "10001:10001"
    assert web.read_only
    assert not web.egress
    assert (web.memory, web.nano_cpus, web.pids) == (256 * 2**20, 500_000_000, 256)
    assert web.tmpfs == ("/tmp",)


def test_the_whole_language_is_read(workspace):
    database = workspace.services["database"]
    assert database.memory == 512 * 2**20
    assert workspace.is_stateful("database")
    assert workspace.services["worker"].command == ("dotmac", "work", "--queue", "long work")
    assert workspace.services["web"].cpu == Decimal(1)
    assert workspace.services["web"].environment["DEBUG"] == "false"
    assert workspace.services["web"].environment["WORKERS"] == "2"
    assert workspace.volumes["data"].size == 5 * 2**30
    assert workspace.public_service == workspace.health_service == "web"
    assert workspace.data_schema.compatible_from == 11
    assert workspace.release.probe == ("dotmac", "migrate", "--check")
    assert workspace.consoles[1].kind == "postgres"
    assert workspace.sso.path == "/hand-off/"


def test_yaml_and_a_mapping_give_the_same_manifest(notebook):
    as_yaml = (
        "{name: notebook, title: Notebook, version: '1.10', services:"
        " {web: {image: 'acme/notebook:1.10', port: 8080, public: true}}}"
    )
    assert parse_manifest(as_yaml) == parse_manifest(notebook)


def test_a_manifest_cannot_be_changed(workspace):
    with pytest.raises(ValidationError):
        workspace.title = "Other"


def test_words_of_yaml_1_1_are_text(workspace, notebook_yaml):
    telemetry = next(v for v in workspace.environment if v.name == "TELEMETRY")
    assert telemetry.default == "no"
    source = notebook_yaml + "    user: 1000:50\n    environment: {A: 010, B: 2026-03-01, C: on}\n"
    web = parse_manifest(source).services["web"]
    assert web.user == "1000:50"
    assert web.environment == {"A": "010", "B": "2026-03-01", "C": "on"}


def _set(tree, path, value):
    *parents, last = path.split(".")
    for step in parents:
        tree = tree.setdefault(step, {})
    tree[last] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("name", "Notebook", "3 to 30 of a-z"),
        ("name", "a--b", "single hyphens"),
        ("name", "ab", "3 to 30"),
        ("name", "n" * 31, "3 to 30"),
        ("name", "notebook\n", "3 to 30"),
        ("title", "", "empty"),
        ("title", "x" * 161, "too long"),
        ("title", 7, "in quotes"),
        ("version", 1.10, "in quotes"),
        ("version", "1 0", "Use up to 64"),
        ("sevices", {}, "did you mean services?"),
        ("zzz", 1, "remove it"),
        ("services", {}, "empty"),
        ("services", ["web"], "names, each with its value"),
        ("services.Web", {"image": "a:1"}, "a letter first"),
        ("services.web-1", {"image": "a:1"}, "no number after a hyphen"),
        ("services.release", {"image": "a:1"}, "taken"),
        ("services.web", None, "names, each with its value"),
        ("services.web.imagee", "a:1", "did you mean image?"),
        ("services.web.image", "acme/notebook", "tag"),
        ("services.web.image", "localhost:5000/notebook", "tag"),
        ("services.web.image", "no image", "no image reference"),
        ("services.web.image", "", "no image reference"),
        ("services.web.memory", 256, "unit"),
        ("services.web.memory", "lots", "unit"),
        ("services.web.memory", "-1G", "unit"),
        ("services.web.memory", "1K", "too small"),
        ("services.web.cpu", "half", "number of cores"),
        ("services.web.cpu", True, "number of cores"),
        ("services.web.cpu", 0, "too small"),
        ("services.web.cpu", float("nan"), ""),
        ("services.web.cpu", float("inf"), ""),
        ("services.web.cpu", 1000, "too large"),
        ("services.web.pids", 0, "too small"),
        ("services.web.pids", True, "whole number"),
        ("services.web.port", 0, "too small"),
        ("services.web.port", 65536, "too large"),
        ("services.web.port", "8080", "whole number"),
        ("services.web.user", 0, "root"),
        ("services.web.user", "0", "root"),
        ("services.web.user", "000", "root"),
        ("services.web.user", "0:0", "root"),
        ("services.web.user", "1000:0", "root"),
        ("services.web.user", "root", "numbers"),
        ("services.web.user", "-1", "numbers"),
        ("services.web.public", "yes", "true or false"),
        ("services.web.command", "say 'hello", "quotation mark"),
        ("services.web.command", [1], "text"),
        ("services.web.environment.A", 1.5, "quotes"),
        ("services.web.environment.A", "\0", "zero byte"),
        ("services.web.environment.A", ["x"], "text"),
        ("services.web.environment.1A", "x", "no digit first"),
        ("services.web.tmpfs", ["tmp"], "absolute path"),
        ("services.web.tmpfs", ["/"], "absolute path"),
        ("services.web.tmpfs", ["/a/../etc"], "absolute path"),
        ("services.web.tmpfs", ["/a/"], "absolute path"),
        ("services.web.tmpfs", ["/a:b"], "colons"),
        ("services.web.tmpfs", ["/proc/sys"], "kernel"),
        ("services.web.stop_timeout", 0, "too small"),
        ("volumes.Data", {}, "a letter first"),
        ("volumes.data.size", "5", "unit"),
        ("health.path", "//evil.test", "one slash"),
        ("health.status", 42, "too small"),
        ("release.command", [], "empty"),
        ("sso", {}, ""),
        ("permissions", ["Mail Send"], "Use a-z"),
    ],
)
def test_each_mistake_is_named_with_its_place(notebook, problems_of, path, value, words):
    _set(notebook, path, value)
    problems = problems_of(notebook)
    near = {found: said for found, said in problems.items() if found.startswith(path)}
    assert near, problems
    assert words in " ".join(near.values())


def test_what_is_missing_is_named(problems_of):
    required = "This is required."
    assert problems_of({}) == dict.fromkeys(["name", "title", "version", "services"], required)


def test_an_item_of_a_list_goes_by_its_name(notebook, problems_of):
    notebook["environment"] = [{"name": "SMTP_HOST", "type": "text"}, {"type": "string"}]
    notebook["consoles"] = [{"name": "psql"}]
    assert problems_of(notebook) == {
        "environment.SMTP_HOST.type": (
            "Write one of 'string', 'integer', 'boolean', 'choice', 'url' or 'secret'."
        ),
        "environment.1.name": "This is required.",
        "consoles.psql.service": "This is required.",
    }


def test_all_problems_are_told_at_once_as_sentences(notebook):
    notebook["services"]["web"] |= {"memory": "lots", "user": "0"}
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(notebook)
    assert str(refusal.value) == (
        "services.web.memory: Write a number and its unit, for example 256M or 2G.\n"
        "services.web.user: 0 is root, which no container may be; choose a number from 1 on."
    )


BOMB = "a: &a [x,x]\n" + "\n".join(f"b{n}: &b{n} [*a,*a]" for n in range(9))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names, each with its value"),
        ("- a", "names, each with its value"),
        ("just text", "names, each with its value"),
        ("name: [", "line 1"),
        ("a: 1\nb: {\n", "line 3"),
        ("services:\n  web: {}\n  web: {}\n", "line 3, column 3: web stands here twice"),
        (BOMB, "anchors are not supported"),
        ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("a: 1\n---\nb: 2", "line 2"),
        ("a: \x00", "characters"),
        ("a: " + "9" * 5000, "characters"),
        ("[" * 5000, "nested too deeply"),
        ("? [a]\n: b", "unhashable"),
        ("x" * 200_000, "longer than"),
    ],
    ids=range(14),
)
def test_text_that_is_no_manifest_is_refused_with_the_line(problems_of, text, words):
    assert words in problems_of(text)[""]


@given(st.text() | st.text("{}[]:,-&*!|>'\"%@`#? \nab01", max_size=60))
def test_no_text_causes_another_error(text):
    with pytest.raises(ManifestError):
        parse_manifest(text)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
SECTIONS = st.sampled_from(
    ["name", "services", "volumes", "environment", "health", "release", "schema", "consoles"]
)


@given(st.dictionaries(SECTIONS, TREES))
def test_no_mapping_causes_another_error(tree):
    with pytest.raises(ManifestError) as refusal:
        parse_manifest(tree)
    assert all(message for _, message in refusal.value.problems)
