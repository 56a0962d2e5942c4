"""What single sign-on into other tools holds of people."""

from django.utils.translation import gettext_lazy as _

from apps.core.personal import USER, holds

holds(
    "idp.ClientSignIn", title=_("sign-ins to other tools"), of=USER, by="user", hidden=("digest",)
)
holds(
    "allauth_idp_oidc.Token",
    title=_("tokens of other tools"),
    of=USER,
    by="user",
    hidden=("hash", "data"),
)
holds(
    "allauth_idp_oidc.Client",
    title=_("other tools"),
    of=USER,
    by="owner",
    hidden=("secret",),
    blank={"owner": None},
    stays=_("Others sign in to it; who registered it is taken out."),
)
