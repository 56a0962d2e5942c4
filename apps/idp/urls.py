"""Addresses of the OpenID provider, at the operator only. allauth wants these names."""

from allauth.idp.oidc import views as allauth
from django.urls import include, path

from apps.idp import views

_oidc = [
    path(".well-known/openid-configuration", views.configuration, name="configuration"),
    path(".well-known/jwks.json", allauth.jwks, name="jwks"),
    path("identity/authorize", views.authorize, name="authorization"),
    path("identity/token", views.token, name="token"),
    path("identity/userinfo", views.userinfo, name="userinfo"),
    path("identity/revoke", views.revoke, name="revoke"),
]
urlpatterns = [path("", include(([path("", include((_oidc, "oidc")))], "idp")))]
