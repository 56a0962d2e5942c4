"""No pages: for schemas that answer no host."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
# allauth asks ROOT_URLCONF for it.
handler429 = "apps.accounts.security.limits.too_many"
# While the database is away no host is known, so that this is the one.
handler500 = "apps.core.errors.broken"
