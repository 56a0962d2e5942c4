"""Addresses of sign-in, by the kind of schema. Only allauth's pages that have our templates."""

from allauth.account import views as allauth
from django.urls import URLPattern, path, re_path
from django.views.generic import RedirectView

from apps.accounts import views

_PASSWORDS: list[URLPattern] = [
    path("logout/", allauth.logout, name="account_logout"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path(
        "confirm-email/",
        allauth.email_verification_sent,
        name="account_email_verification_sent",
    ),
    re_path(
        r"^confirm-email/(?P<key>[-:\w]+)/$", allauth.confirm_email, name="account_confirm_email"
    ),
    path("password/change/", allauth.password_change, name="account_change_password"),
    # Who came by hand-off has no password to type: a mail proves who they are.
    path(
        "password/set/",
        RedirectView.as_view(pattern_name="account_reset_password"),
        name="account_set_password",
    ),
    path("password/reset/", allauth.password_reset, name="account_reset_password"),
    path("password/reset/done/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]

operator: list[URLPattern] = [
    path("login/", views.OperatorLogin.as_view(), name="account_login"),
    # Sign-up has pages of its own, at /signup/.
    path("signup/", RedirectView.as_view(pattern_name="signup"), name="account_signup"),
    *_PASSWORDS,
]

workspace: list[URLPattern] = [
    path("login/", views.WorkspaceLogin.as_view(), name="account_login"),
    path("signup/", allauth.signup, name="account_signup"),
    *_PASSWORDS,
]

console: list[URLPattern] = [
    path("login/", views.console_login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
]

hand_off: list[URLPattern] = [
    path("login/", views.sso_login, name="sso_login"),
    path("enter/", views.sso_enter, name="sso_enter"),
]
