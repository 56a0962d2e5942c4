"""Names that tenants may have."""

from django.utils.translation import gettext_lazy as _

SLUG_PATTERN = r"^(?=.{3,30}\Z)[a-z0-9]+(?:-[a-z0-9]+)*\Z"
SLUG_RULE = _("3 to 30 lower-case letters, digits and single hyphens, not at the ends")

# Hosts that the platform itself uses or that a stranger could mistake for it.
_RESERVED = """
    abuse account accounts acme-challenge admin administrator api app apps assets auth backup
    billing blog cdn console dashboard demo dev dns docs dotmac download edge email field ftp
    git grafana health help host hosting hostmaster id imap internal invoice isp localhost login
    logs mail marketplace media metrics monitor mx network news noc notice ns ns1 ns2 oauth
    operator partner partners password pay payments pop portal postmaster private prometheus
    public radius register registry root sales secure security server service shop signup smtp
    sso static status store support sysadmin system team template test traefik vpn web webhook
    webhooks webmaster workspace www www1 www2
"""
RESERVED_SLUGS = frozenset(_RESERVED.split())
