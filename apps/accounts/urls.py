"""Addresses of sign-in, by the kind of schema. Only allauth's pages that have our templates."""

from allauth.account import views as allauth
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as apps_of_codes
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as social
from django.contrib.auth.decorators import login_required
from django.db.transaction import atomic
from django.urls import URLPattern, path, re_path
from django.views.generic import RedirectView

from apps.accounts import invitation_views as invited
from apps.accounts import own_data, views
from apps.accounts.providers import github, oidc, saml
from apps.accounts.security import views as security
from apps.accounts.visits import views as visits

_to_security = login_required(RedirectView.as_view(pattern_name="account_security"))

_SESSIONS: list[URLPattern] = [
    path("personal/", own_data.personal, name="account_personal"),
    path("personal/data.json", own_data.own_file, name="account_personal_file"),
    path("personal/steps/", own_data.own_steps, name="account_personal_steps"),
    path("security/", security.security, name="account_security"),
    path("security/second-factor/", security.second_factor, name="account_second_factor"),
    path("security/sessions/<int:pk>/end/", security.end_session, name="account_session_end"),
    path("security/sessions/end-others/", security.end_other_sessions, name="account_sessions_end"),
    path("security/end/<str:token>/", security.end_unknown_session, name="account_end_session"),
]

# allauth's views with our pages; what writes does so with its event in one transaction.
_FACTORS: list[URLPattern] = [
    path("reauthenticate/", allauth.reauthenticate, name="account_reauthenticate"),
    path("2fa/", _to_security, name="mfa_index"),
    path("2fa/authenticate/", security.SecondStep.as_view(), name="mfa_authenticate"),
    path("2fa/reauthenticate/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("2fa/app/add/", atomic(apps_of_codes.activate_totp), name="mfa_activate_totp"),
    path("2fa/app/remove/", atomic(apps_of_codes.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "2fa/codes/new/",
        atomic(codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("2fa/passkeys/", _to_security, name="mfa_list_webauthn"),
    path("2fa/passkeys/add/", atomic(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("2fa/passkeys/login/", security.PasskeyLogin.as_view(), name="mfa_login_webauthn"),
    path(
        "2fa/passkeys/reauthenticate/",
        passkeys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path("2fa/passkeys/<int:pk>/edit/", passkeys.edit_webauthn, name="mfa_edit_webauthn"),
    path(
        "2fa/passkeys/<int:pk>/remove/",
        atomic(passkeys.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
]

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

# Back from a provider comes a GET; people and their links are written with their events.
_PROVIDERS: list[URLPattern] = [
    path("oidc/<slug:provider_id>/login/", oidc.login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", oidc.callback, name="openid_connect_callback"),
    path("saml/<slug:key>/login/", saml.login, name="saml_login"),
    path("saml/<slug:key>/acs/", saml.acs, name="saml_acs"),
    path("saml/<slug:key>/acs/finish/", saml.finish, name="saml_finish"),
    path("saml/<slug:key>/metadata/", saml.metadata, name="saml_metadata"),
    path("github/login/", github.login, name="github_login"),
    path("github/login/callback/", github.callback, name="github_callback"),
    path("provider/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("provider/<int:pk>/disconnect/", security.disconnect, name="account_disconnect"),
]

_INVITATIONS: list[URLPattern] = [
    path("invitation/<str:token>/", invited.accept, name="account_invitation"),
]

operator: list[URLPattern] = [
    path("login/", views.OperatorLogin.as_view(), name="account_login"),
    # Sign-up has pages of its own, at /signup/.
    path("signup/", RedirectView.as_view(pattern_name="signup"), name="account_signup"),
    *_PASSWORDS,
    *_INVITATIONS,
    *_SESSIONS,
    *_FACTORS,
    *_PROVIDERS,
]

workspace: list[URLPattern] = [
    path("login/", views.WorkspaceLogin.as_view(), name="account_login"),
    path("signup/", allauth.signup, name="account_signup"),
    *_PASSWORDS,
    *_INVITATIONS,
    *_SESSIONS,
    *_FACTORS,
    *_PROVIDERS,
]

console: list[URLPattern] = [
    path("login/", views.console_login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    *_SESSIONS,
]

hand_off: list[URLPattern] = [
    path("login/", views.sso_login, name="sso_login"),
    path("enter/", views.sso_enter, name="sso_enter"),
    path("visit/", visits.sso_visit, name="sso_visit"),
    path("leave/", visits.leave, name="sso_leave"),
]
