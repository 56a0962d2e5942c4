import copy

import pytest
from hypothesis import HealthCheck, settings

from dotmac.stack import InstanceFacts, ManifestError, parse_manifest

# The machine is shared: how long an example takes says nothing about the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


NOTEBOOK = """
name: notebook
title: Notebook
version: "1.10"
services:
  web:
    image: registry.example:5000/acme/notebook:1.10
    port: 8080
    public: true
"""

WORKSPACE = """
name: dotmac-isp
title: ISP workspace
summary: Subscribers, billing and network of one provider
version: "2026.3"
icon: radio-tower
category: isp
services:
  web:
    image: dotmac-app:2026.3
    command: [dotmac, serve]
    port: 8000
    public: true
    memory: 256M
    cpu: 1
    environment:
      DATABASE_URL: postgres://dotmac:${DATABASE_PASSWORD}@database/dotmac
      ALLOWED_HOSTS: ${HOSTNAME}
      BASE_URL: ${BASE_URL}
      SMTP_HOST: ${SMTP_HOST}
      PRICE: 5$$
      DEBUG: false
      WORKERS: 2
  worker:
    image: dotmac-app:2026.3
    command: dotmac work --queue 'long work'
    egress: true
    memory: 192M
    environment:
      DATABASE_URL: postgres://dotmac:${DATABASE_PASSWORD}@database/dotmac
  database:
    image: dotmac-postgres:17
    user: "10002:10002"
    port: 5432
    volumes:
      data: /var/lib/postgresql
    memory: 0.5G
    stop_timeout: 60
    environment:
      POSTGRES_PASSWORD: ${DATABASE_PASSWORD}
volumes:
  data: {backup: true, size: 5G}
environment:
  - {name: DATABASE_PASSWORD, type: secret, generate: 32, editable: false}
  - {name: SMTP_HOST, description: Where mail goes}
  - {name: SMTP_PORT, type: integer, default: 587}
  - {name: LANGUAGE, type: choice, choices: [en, de], default: en}
  - {name: SITE, type: url, required: true}
  - {name: TELEMETRY, type: boolean, default: no}
health: {path: /readyz, timeout_s: 30}
release:
  service: web
  command: [dotmac, migrate]
  probe: [dotmac, migrate, --check]
schema: {version: 12, compatible_from: 11}
backup: {service: database, dump: [pg_dump, -Fc, dotmac]}
consoles:
  - {name: shell, service: web, command: [dotmac, shell]}
  - {name: psql, service: database, kind: postgres}
permissions: [mail.send]
sso: {path: /hand-off/}
"""


@pytest.fixture
def notebook():
    return {
        "name": "notebook",
        "title": "Notebook",
        "version": "1.10",
        "services": {"web": {"image": "acme/notebook:1.10", "port": 8080, "public": True}},
    }


@pytest.fixture
def notebook_yaml():
    return NOTEBOOK


@pytest.fixture
def workspace_yaml():
    return WORKSPACE


@pytest.fixture
def workspace():
    return parse_manifest(WORKSPACE)


@pytest.fixture
def problems_of():
    """Return the problems of a manifest as {path: message}."""

    def find(source):
        with pytest.raises(ManifestError) as refusal:
            parse_manifest(copy.deepcopy(source))
        return dict(refusal.value.problems)

    return find


@pytest.fixture
def facts():
    return InstanceFacts(
        instance_id="5f0f3c1c8a3e4a6c9d411f6f0f9f7a10",
        deployment=7,
        operation_id="0c4d",
        hostname="acme.apps.test",
        base_url="https://acme.apps.test",
        environment={"DATABASE_PASSWORD": "hunter2", "SITE": "https://acme.example"},
        front_subnet="10.80.0.0/28",
        back_subnet="10.80.0.16/28",
    )
