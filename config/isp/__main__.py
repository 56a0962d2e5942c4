"""`python -m config.isp`: a whole workspace in one container."""

import gc
import os
import sys

# Loading makes much and drops little: collecting in between only costs time.
gc.disable()

import django  # noqa: E402

from dotmac.telemetry import process  # noqa: E402

process.become("crew")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.isp")
django.setup()

from config.isp.loading import load  # noqa: E402
from config.isp.processes import Child, Crew  # noqa: E402

if __name__ == "__main__":
    load()
    sys.exit(
        Crew(
            [
                Child("web", "config.isp.web"),
                Child("worker", "config.isp.worker"),
                Child("clock", "config.isp.clock"),
            ]
        ).run()
    )
