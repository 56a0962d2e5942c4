"""The child that runs operations: a django-q2 cluster."""

from django_q.cluster import Cluster


def main() -> int:
    """Work until SIGTERM; what is under way is handed on when its lease runs out."""
    cluster = Cluster()
    cluster.start()
    cluster.sentinel.join()
    return int(cluster.sentinel.exitcode or 0)
