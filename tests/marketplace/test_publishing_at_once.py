"""Several who publish at the same moment."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from apps.marketplace import services
from apps.marketplace.models import App, Release


def test_the_same_release_published_at_once_is_one(live_database, manifest):
    def publish(_number):
        try:
            return services.publish(manifest).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(publish, range(8)))) == 1
    assert (App.objects.count(), Release.objects.count()) == (1, 1)
