"""What the API does alike for every resource, tried on subscribers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.accounts.models import ApiKey
from apps.billing.models import PlanVersion
from apps.billing.services import plan_version
from apps.branding import post
from apps.branding.models import PostedMail
from apps.branding.quota import quota_today
from apps.contract.models import HeldGrant
from apps.core.api.codes import problem_codes
from apps.core.models import IdempotentAnswer
from apps.events.models import Event
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenants.models import Organisation
from tests.api.conftest import Program, key_in
from tests.conftest import Isp
from tests.instances.world import adopt

Problem = Callable[[HttpResponse], dict[str, Any]]
DORA = {"name": "Dora Diaz", "email": "dora@example.com"}
ONCE = {"idempotency-key": "order-17"}


def people(isp: Isp) -> int:
    with schema_of(isp.workspace):
        return Subscriber.objects.count()


class TestIdempotencyKeys:
    def test_the_same_request_takes_effect_once(self, desk: Program, acme: Isp) -> None:
        first = desk.post("subscribers/", DORA, ONCE)
        again = desk.post("subscribers/", DORA, ONCE)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert "idempotent-replayed" not in first
        assert again["idempotent-replayed"] == "true"
        assert again["etag"] == first["etag"]
        assert people(acme) == 1

    def test_another_request_with_the_key_is_refused(
        self, desk: Program, acme: Isp, problem: Problem
    ) -> None:
        desk.post("subscribers/", DORA, ONCE)
        refused = problem(desk.post("subscribers/", {"name": "Dora Dias"}, ONCE))
        assert (refused["status"], refused["code"]) == (422, "idempotency_key_reused")
        assert people(acme) == 1

    def test_after_an_error_the_key_may_be_tried_again(self, desk: Program) -> None:
        assert desk.post("subscribers/", {"name": ""}, ONCE).status_code == 400
        assert desk.post("subscribers/", DORA, ONCE).status_code == 201

    def test_a_second_one_does_not_wait_for_the_first_and_a_crash_frees_the_key(
        self, desk: Program, acme: Isp, problem: Problem
    ) -> None:
        with schema_of(acme.workspace):
            principal = ApiKey.objects.get().uuid
        db = settings.DATABASES["default"]
        other = psycopg.connect(
            host=db["HOST"],
            port=db["PORT"],
            user=db["USER"],
            password=db["PASSWORD"] or None,
            dbname=db["NAME"],
        )
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{acme.workspace}{principal}:order-17"],
        )
        refused = problem(desk.post("subscribers/", DORA, ONCE))
        assert (refused["status"], refused["code"]) == (409, "idempotency_key_in_use")
        # The process that held it is gone, and its transaction with it.
        other.close()
        assert desk.post("subscribers/", DORA, ONCE).status_code == 201

    def test_after_a_day_the_key_is_forgotten(self, desk: Program, acme: Isp) -> None:
        with time_machine.travel("2026-03-01T10:00Z"):
            desk.post("subscribers/", DORA, ONCE)
        with time_machine.travel("2026-03-02T10:01Z"):
            assert desk.post("subscribers/", {"name": "Emil"}, ONCE).status_code == 201
        with schema_of(acme.workspace):
            assert IdempotentAnswer.objects.count() == 1

    def test_another_program_s_key_is_its_own(
        self, desk: Program, desk_of_initech: Program, acme: Isp, initech: Isp
    ) -> None:
        desk.post("subscribers/", DORA, ONCE)
        assert desk_of_initech.post("subscribers/", {"name": "Emil"}, ONCE).status_code == 201
        assert (people(acme), people(initech)) == (1, 1)

    def test_a_senseless_key_is_named(self, desk: Program, problem: Problem) -> None:
        refused = problem(desk.post("subscribers/", DORA, {"idempotency-key": "x" * 256}))
        assert refused["errors"][0]["field"] == "Idempotency-Key"


class TestDryRuns:
    def test_it_answers_as_if_it_were_done_and_does_nothing(self, desk: Program, acme: Isp) -> None:
        with schema_of(acme.workspace):
            before = Event.objects.count()
        tried = desk.post("subscribers/?dry_run=true", DORA, ONCE)
        assert (tried.status_code, tried.json()["name"]) == (201, "Dora Diaz")
        assert tried["dry-run"] == "true"
        assert people(acme) == 0
        with schema_of(acme.workspace):
            assert Event.objects.count() == before
            assert not IdempotentAnswer.objects.exists()

    def test_no_mail_leaves(
        self, desk: Program, acme: Isp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        posted: list[PostedMail] = []
        monkeypatch.setattr(post, "hand_over", posted.append)
        dora = desk.post("subscribers/", DORA).json()["id"]
        desk.post(f"subscribers/{dora}/invite/?dry_run=true")
        assert len(posted) == 1
        with schema_of(acme.workspace):
            assert not PostedMail.objects.exists()
        assert not desk.get(f"subscribers/{dora}/").json()["has_portal_access"]

    def test_its_mistakes_are_those_of_the_request(self, desk: Program, problem: Problem) -> None:
        refused = problem(desk.post("subscribers/?dry_run=true", {"email": "none"}))
        assert {error["field"] for error in refused["errors"]} == {"name", "email"}

    def test_a_senseless_value_is_named(self, desk: Program, problem: Problem) -> None:
        refused = problem(desk.post("subscribers/?dry_run=perhaps", DORA))
        assert refused["errors"][0]["field"] == "dry_run"


class TestVersions:
    def test_what_has_not_changed_is_not_sent_again(self, desk: Program) -> None:
        made = desk.post("subscribers/", DORA)
        at = f"subscribers/{made.json()['id']}/"
        again = desk.get(at, {"if-none-match": f"W/{made['etag']}"})
        assert (again.status_code, again.content, again["etag"]) == (304, b"", made["etag"])
        desk.patch(at, {"name": "Dora Dias"})
        assert desk.get(at, {"if-none-match": made["etag"]}).status_code == 200

    def test_a_lost_update_is_refused(self, desk: Program, problem: Problem) -> None:
        made = desk.post("subscribers/", DORA)
        at, mine = f"subscribers/{made.json()['id']}/", {"if-match": made["etag"]}
        changed = desk.patch(at, {"name": "Dora Dias"}, mine)
        assert changed.status_code == 200
        refused = problem(desk.patch(at, {"name": "Dora D."}, mine))
        assert (refused["status"], refused["code"]) == (412, "precondition_failed")
        assert desk.get(at).json()["name"] == "Dora Dias"
        assert desk.post(f"{at}archive/", None, {"if-match": changed["etag"]}).status_code == 200


class TestLimits:
    def test_each_answer_tells_what_is_left(self, desk: Program, settings: Any) -> None:
        settings.API_REQUESTS_PER_MINUTE = 3
        cache.clear()
        with time_machine.travel("2026-03-01T10:00:15Z", tick=False):
            answer = desk.get("me/")
        assert answer["ratelimit-policy"] == '"default";q=3;w=60'
        assert answer["ratelimit"] == '"default";r=2;t=45'

    def test_one_too_many_is_told_when_to_come_again(
        self, desk: Program, desk_of_initech: Program, settings: Any, problem: Problem
    ) -> None:
        settings.API_REQUESTS_PER_MINUTE = 2
        cache.clear()
        with time_machine.travel("2026-03-01T10:00:15Z", tick=False):
            assert [desk.get("me/").status_code for _turn in range(2)] == [200, 200]
            refused = desk.get("me/")
            assert problem(refused)["code"] == "throttled"
            assert (refused["retry-after"], refused["ratelimit"]) == ("45", '"default";r=0;t=45')
            assert desk_of_initech.get("me/").status_code == 200
        with time_machine.travel("2026-03-01T10:01:00Z", tick=False):
            assert desk.get("me/").status_code == 200
        cache.clear()

    def test_what_is_refused_counts_by_its_key_or_by_the_address_that_the_edge_saw(
        self, desk: Program, acme: Isp, settings: Any, problem: Problem
    ) -> None:
        settings.API_REQUESTS_PER_MINUTE, settings.API_REFUSALS_PER_MINUTE = 2, 3
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        nobody, unknown = Program(acme.workspace_host), Program(acme.workspace_host, "dm_0_wrong")
        fresh = Program(acme.workspace_host, key_in(acme.workspace, "new@acme.example"))
        cache.clear()

        def ask(who: Program, network: str, path: str = "me/", invented: int = 0) -> HttpResponse:
            return who.get(path, {"x-forwarded-for": f"10.9.8.{invented}, {network}"})

        with time_machine.travel("2026-03-01T10:00:15Z", tick=False):
            assert ask(desk, "203.0.113.5").status_code == 200
            tries = [ask(who, "203.0.113.5", invented=n) for n, who in enumerate([unknown] * 3)]
            assert [problem(one)["code"] for one in tries] == ["invalid_key"] * 3
            assert tries[2]["ratelimit"] == '"address";r=0;t=45'
            for who in (unknown, nobody, fresh):
                refused = ask(who, "203.0.113.5", invented=9)
                assert (problem(refused)["code"], refused["retry-after"]) == ("throttled", "45")
            # A program that was there before goes on, and others elsewhere.
            assert ask(desk, "203.0.113.5").status_code == 200
            assert ask(nobody, "203.0.113.6").status_code == 401
            # One network of IPv6 is one address.
            codes = [ask(unknown, f"2001:db8::{n}").status_code for n in range(1, 5)]
            assert codes == [401, 401, 401, 429]
            assert ask(unknown, "2001:db8:0:1::1").status_code == 401
            # What a key may not do counts for the key.
            codes = [ask(fresh, "203.0.113.7", "roles/").status_code for _turn in range(3)]
            assert codes == [403, 403, 429]
        cache.clear()

    def test_the_plan_says_how_many(self, desk: Program, acme: Isp) -> None:
        cache.clear()
        with schema_of(acme.workspace):
            HeldGrant.objects.create(entitlements={"api_requests_per_minute": 4000})
        assert desk.get("me/")["ratelimit-policy"] == '"default";q=4000;w=60'
        cache.clear()

    def test_a_console_s_plan_says_how_many_too(
        self, program: Program, acme: Isp, settings: Any
    ) -> None:
        organisation = adopt(acme)
        assert program.get("me/")["ratelimit-policy"] == '"default";q=600;w=60'
        with schema_of(PUBLIC):
            sold = plan_version(organisation.plan_version)
            terms = {"api_requests_per_minute": 90, "mails_per_day": 7}
            larger = PlanVersion.objects.create(
                plan=sold.plan,
                number=sold.number + 1,
                currency=sold.currency,
                flat_minor=sold.flat_minor,
                entitlements=terms,
            )
        Organisation.objects.filter(pk=organisation.pk).update(plan_version=larger.uuid)
        with time_machine.travel(timezone.now() + timedelta(minutes=2)):
            assert program.get("me/")["ratelimit-policy"] == '"default";q=90;w=60'
        with schema_of(acme.console):
            assert quota_today().limit == 7


class TestProblems:
    def test_every_code_is_explained_on_the_page(self, acme: Isp, db: None) -> None:
        text = Client(headers={"host": acme.workspace_host}).get("/api/docs/errors/").content
        codes = problem_codes()
        assert len(codes) > 20
        for one in codes:
            assert one.meaning
            assert f'id="{one.code}"' in text.decode()

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "subscribers/none/", 404),
            ("DELETE", "subscribers/", 405),
            ("PATCH", "me/", 405),
            ("GET", "subscribers/?status=asleep", 400),
            ("GET", "subscribers/?cursor=senseless", 404),
            ("GET", "subscribers/?updated_since=0272-05-01T18:05:23%2B18:25", 400),
        ],
    )
    def test_every_refusal_is_one(
        self, desk: Program, problem: Problem, method: str, path: str, status: int
    ) -> None:
        assert problem(desk.send(method, path))["status"] == status

    def test_a_read_only_workspace_says_so(
        self, desk: Program, acme: Isp, problem: Problem
    ) -> None:
        with schema_of(acme.workspace):
            HeldGrant.objects.create(mode="read_only")
        assert problem(desk.post("subscribers/", DORA))["code"] == "read_only"
