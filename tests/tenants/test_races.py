"""Many sign-ups at once, with real commits."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.models import Domain, Tenant
from apps.tenants.models import Membership, Organisation
from tests.accounts.browser import text_of
from tests.accounts.conftest import furnish
from tests.tenants.test_sign_up import PLACE, key_in

HEADERS = {"host": f"{settings.BASE_DOMAIN}:8000"}


def at_last_step(number: int, slug: str) -> tuple[Client, str]:
    """A browser of a person of their own who stands before the last step, and its form's key."""
    with operator():
        user = create_user(
            email=f"p{number}@example.net", password=None, is_verified=True, actor=SYSTEM
        )
        client = Client(headers=HEADERS)
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    client.post("/signup/organisation/", {"name": f"ISP {number}", "slug": slug})
    page = client.post("/signup/place/", PLACE, follow=True)
    return client, key_in(page.content.decode())


def send_together(sent: list[tuple[Client, str]]) -> list[tuple[int, str]]:
    """Send all last steps at the same moment; each answer's status and where it leads."""
    barrier = Barrier(len(sent))

    def send(client: Client, key: str) -> tuple[int, str]:
        barrier.wait()
        try:
            answer = client.post("/signup/plan/", {"plan": "starter", "idempotency_key": key})
            return answer.status_code, answer.get("Location", "")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(sent)) as pool:
        return list(pool.map(lambda pair: send(*pair), sent))


def schemas_of(slug: str) -> list[str]:
    """The schemas that a slug's organisation has."""
    with connection.cursor() as cursor:
        names = [f"c_{slug}".replace("-", "_"), f"w_{slug}".replace("-", "_")]
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)", [names])
        return sorted(row[0] for row in cursor.fetchall())


@pytest.fixture
def live_market(live_database: str) -> None:
    """Plans and a region in a database with real commits."""
    furnish()


def test_a_double_click_makes_one_organisation(live_market: None) -> None:
    client, key = at_last_step(1, "northwind")
    twin = Client(headers=HEADERS)
    twin.cookies = client.cookies
    answers = send_together([(client, key), (twin, key)])
    assert answers[0] == answers[1]
    assert answers[0][1].startswith(f"http://northwind.{settings.BASE_DOMAIN}:8000/sso/login/")
    with operator():
        assert Organisation.objects.count() == 1
        assert Event.objects.filter(type="organisation.created").count() == 1


def test_fifty_sign_ups_at_once_all_get_their_organisation(live_market: None) -> None:
    slugs = [f"isp-{number}" for number in range(50)]
    answers = send_together([at_last_step(n, slug) for n, slug in enumerate(slugs)])
    assert {status for status, _where in answers} == {302}
    with operator():
        assert set(Organisation.objects.values_list("slug", flat=True)) == set(slugs)
        assert Membership.objects.count() == 50
    for number, slug in enumerate(slugs):
        schema = slug.replace("-", "_")
        assert schemas_of(slug) == [f"c_{schema}", f"w_{schema}"]
        with schema_of(f"c_{schema}"):
            assert User.objects.get().email == f"p{number}@example.net"


def test_fifty_sign_ups_for_one_address_make_one_organisation(live_market: None) -> None:
    sent = [at_last_step(number, "northwind") for number in range(50)]
    answers = send_together(sent)
    into = f"http://northwind.{settings.BASE_DOMAIN}:8000/sso/login/?next=/admin/"
    assert [where for _status, where in answers].count(into) == 1
    losers = [n for n, (_status, where) in enumerate(answers) if where != into]
    assert {answers[n][1] for n in losers} == {"/signup/organisation/?check=1"}
    page = text_of(sent[losers[0]][0].get(answers[losers[0]][1]))
    assert "“northwind” is taken" in page.partition('id="id_slug_error"')[2]
    with operator():
        assert Organisation.objects.count() == 1
        assert Membership.objects.count() == 1
        assert Tenant.objects.filter(slug="northwind").count() == 2
        assert Domain.objects.filter(domain__startswith="northwind.").count() == 2
        assert Event.objects.filter(type="organisation.created").count() == 1


def test_one_key_in_the_hands_of_two_people_makes_one_organisation_each(
    live_market: None,
) -> None:
    first, key = at_last_step(1, "northwind")
    second, _own = at_last_step(2, "southwind")
    answers = send_together([(first, key), (second, key)])
    assert [status for status, _where in answers] == [302, 302]
    with operator():
        assert Organisation.objects.count() == 2
        for organisation in Organisation.objects.all():
            assert Membership.objects.get(organisation=organisation).user == organisation.owner
