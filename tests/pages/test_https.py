"""On a server plain HTTP leads to HTTPS, but for what has to be answered without it."""

import os
import subprocess
import sys
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from dotmac.crypto.keys import SigningKey
from tests.conftest import Isp

HOST = "dotmac.localhost"


@pytest.mark.django_db
def test_pages_and_the_api_lead_there(settings: Any, acme: Isp) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for host, path in (
        (HOST, "/accounts/login/?next=/a"),
        (acme.console_host, "/admin/"),
        (acme.workspace_host, "/api/v1/me/"),
    ):
        answer = Client(headers={"host": host}).get(path)
        assert (answer.status_code, answer["Location"]) == (301, f"https://{host}{path}")
    at_the_edge = Client(headers={"host": HOST, "x-forwarded-proto": "https"})
    assert at_the_edge.get("/accounts/login/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/.well-known/acme-challenge/x"])
def test_probes_and_authorities_are_answered_without(settings: Any, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client(headers={"host": HOST}).get(path).status_code in (200, 404, 503)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"EDGE_HTTPS_PORT": "443"}, "True 31536000"),
        ({"EDGE_HTTPS_PORT": "443", "HSTS_SECONDS": "0"}, "True 0"),
        ({"EDGE_HTTPS_PORT": "8443"}, "False 0"),
        ({"EDGE_HTTPS_PORT": "443", "SECURE_COOKIES": "0"}, "False 0"),
    ],
)
def test_a_server_does_so_at_the_usual_port(given: dict[str, str], said: str) -> None:
    code = "from config.settings import prod as p; print(p.SECURE_SSL_REDIRECT, p.HSTS_SECONDS)"
    environment = {
        **os.environ,
        "SECRET_KEY": "a-secret-of-a-test-" * 3,
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "PLATFORM_SIGNING_KEY": SigningKey.generate().to_pem().reveal(),
        "EMAIL_URL": "smtp+tls://user@mail.example",
        **given,
    }
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == said
