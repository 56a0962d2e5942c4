"""Configuration of the certificates app."""

from django.apps import AppConfig


class CertificatesConfig(AppConfig):
    """Certificates."""

    name = "apps.certificates"
