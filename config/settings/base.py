"""Settings shared by every environment and both roles; values come from the environment."""

import sys
from typing import Any

from config import api_settings, kinds, logs
from config.env import BASE_DIR, env, process_name
from config.mail_url import email_of
from config.salts import account_salt
from config.unfold_theme import THEME
from dotmac.server.installed import is_release
from dotmac.telemetry import numbers, tracing

ROLE: str = env.str("DOTMAC_ROLE", kinds.PLATFORM, validate=lambda r: r in ("platform", "isp"))
VERSION = "0.1.0"
# Whether this is a release that was installed (docs/guides/install.md), not a checkout.
ON_SERVER = is_release(BASE_DIR)
VAR_DIR = env.path("VAR_DIR", BASE_DIR / "var")

INSECURE_SECRET = "insecure-" + "development-only-" * 3
SECRET_KEY: str = env.str("SECRET_KEY", INSECURE_SECRET)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
# Each SECRET_KEY of before, for good: event logs are proven by them, nothing else (events.signing).
EVENT_KEY_FALLBACKS: list[str] = env.list("EVENT_KEY_FALLBACKS", [])
# Fernet keys, newest first, which encrypt fields (dotmac.crypto.fields).
FIELD_KEYS: list[str] = env.list("FIELD_KEYS", [])
# The platform's Ed25519 key in PEM signs hand-offs and grants; its public half is in each stack.
PLATFORM_SIGNING_KEY: str = env.str("PLATFORM_SIGNING_KEY", "")
# A stack's own Ed25519 key, which signs its usage reports.
INSTANCE_SIGNING_KEY: str = env.str("INSTANCE_SIGNING_KEY", "")
# RSA keys in PEM, newest first, which sign people into other tools (apps.idp); none: nobody.
OIDC_SIGNING_KEYS: list[str] = env.list("OIDC_SIGNING_KEYS", [])
PLATFORM_VERIFY_KEYS: list[str] = env.list("PLATFORM_VERIFY_KEYS", [])
DEBUG = False
ALLOWED_HOSTS: list[str] = ["*"]  # HostMiddleware answers only for hosts that are a tenant's

BASE_DOMAIN: str = env.str("BASE_DOMAIN", "dotmac.localhost")
APPS_DOMAIN: str = env.str("APPS_DOMAIN", "apps.localhost")
EDGE_ADDRESS: str = env.str("EDGE_ADDRESS", "127.0.0.1")
EDGE_HTTP_PORT: int = env.int("EDGE_HTTP_PORT", 8000)
EDGE_HTTPS_PORT: int = env.int("EDGE_HTTPS_PORT", 8443)
# For how long browsers ask by HTTPS alone; not in development, where plain HTTP is served too.
HSTS_SECONDS: int = 0
WEB_PORT: int = env.int("WEB_PORT", 8001)
# On a server: the file that tells which of its two web processes serves (dotmac.server).
WEB_URL_FILE: str = env.str("WEB_URL_FILE", "")
# How consoles and the operator are reached; behind a certificate it is https.
PLATFORM_SCHEME: str = env.str("PLATFORM_SCHEME", "http")
EDGE_DIR = env.path("EDGE_DIR", VAR_DIR / "edge")
EDGE_CERTIFICATE_FILE = env.path("EDGE_CERTIFICATE_FILE", VAR_DIR / "keys" / "certificate.pem")
EDGE_KEY_FILE = env.path("EDGE_KEY_FILE", VAR_DIR / "keys" / "key.pem")
EDGE_CA_FILE = env.path("EDGE_CA_FILE", VAR_DIR / "keys" / "ca.pem")

# Where certificates come from: "letsencrypt", "staging" or the address of a directory. Empty: the
# operator says it in the admin. Applied at each start (apps.certificates.environment).
ACME_DIRECTORY: str = env.str("ACME_DIRECTORY", "")
ACME_EMAIL: str = env.str("ACME_EMAIL", "")
ACME_ACCEPTS_TERMS: bool = env.bool("ACME_ACCEPTS_TERMS", False)
# What binds the account to a customer of the authority, where it asks for that.
ACME_EAB_KEY_ID: str = env.str("ACME_EAB_KEY_ID", "")
ACME_EAB_KEY: str = env.str("ACME_EAB_KEY", "")
# The root of an authority of one's own, in PEM.
ACME_ROOTS_FILE: str = env.str("ACME_ROOTS_FILE", "")
ACME_PREFERRED_CHAIN: str = env.str("ACME_PREFERRED_CHAIN", "")
# Seconds for one request, and for one turn of a worker to wait for the authority.
ACME_TIMEOUT_S: float = env.float("ACME_TIMEOUT_S", 20.0)
ACME_PATIENCE_S: float = env.float("ACME_PATIENCE_S", 20.0)
# The server of our zones, for wildcards: "rfc2136" or "powerdns".
DNS_PROVIDER: str = env.str("DNS_PROVIDER", "", validate=lambda p: p in ("", "rfc2136", "powerdns"))
DNS_SERVER: str = env.str("DNS_SERVER", "")
DNS_KEY_NAME: str = env.str("DNS_KEY_NAME", "")
DNS_KEY_ALGORITHM: str = env.str("DNS_KEY_ALGORITHM", "hmac-sha256")
DNS_SECRET: str = env.str("DNS_SECRET", "")
DNS_NAMESERVERS: str = env.str("DNS_NAMESERVERS", "")

HAS_MULTI_TYPE_TENANTS = True
MULTI_TYPE_DATABASE_FIELD = "kind"
TENANT_TYPES = kinds.tenant_types(ROLE)
TENANT_MODEL = "tenancy.Tenant"
TENANT_DOMAIN_MODEL = "tenancy.Domain"
TENANT_LIMIT_SET_CALLS = True
TENANT_SYNC_ROUTER = "apps.tenancy.kinds.KindRouter"
DATABASE_ROUTERS = [TENANT_SYNC_ROUTER]
INSTALLED_APPS = kinds.installed_apps(ROLE)

DATABASES: dict[str, Any] = {
    "default": {
        **env.dj_db_url("DATABASE_URL", "postgresql://dotmac@127.0.0.1:8002/dotmac"),
        "ENGINE": "apps.tenancy.backend",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": env.bool("DISABLE_SERVER_SIDE_CURSORS", False),
        "OPTIONS": {
            # Nothing is prepared for being frequent: only what asks for it (tenancy.prepared).
            "prepare_threshold": sys.maxsize,
            "connect_timeout": 5,
            # A server that vanishes without a word is noticed in half a minute.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            # Who has which session, for whoever looks, and for the doctor (apps.work.checkups).
            "fallback_application_name": f"dotmac {process_name()}",
        },
    }
}
# Where a database of this machine's own lies: its passwords (dev.cluster; none on a server, where
# the system says who is who), a directory for backups of it, its programs. Empty where DATABASE_URL
# names another's, which is backed up where it is kept.
DATABASE_HOME: str = env.str("DATABASE_HOME", "")
DATABASE_ROOT: str = env.str("DATABASE_ROOT", "")
DATABASE_BINARIES: str = env.str("DATABASE_BINARIES", "")
# The file of settings and secrets that a server has (config.env).
ENV_FILE: str = env.str("DOTMAC_ENV_FILE", "")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
# The first says who may do what, the second checks passwords.
AUTHENTICATION_BACKENDS = [
    "apps.accounts.backends.RoleBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_SALT = account_salt
ACCOUNT_CONFIRM_EMAIL_ON_GET = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Tries of one address over many accounts, and of many addresses over one account. Counted in the
# cache: in each process by itself unless REDIS_URL names one for all.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
# The edge. Of X-Forwarded-For only the last address counts, which the edge adds itself.
ALLAUTH_TRUSTED_PROXY_COUNT = 1
MFA_ADAPTER = "apps.accounts.security.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Clocks of phones are off; that a code is good once does not depend on it (security.forms).
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# The forms below check the origin, exactly; the library knows no http://*.localhost.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
MFA_FORMS = {
    "authenticate": "apps.accounts.security.forms.CodeForm",
    "reauthenticate": "apps.accounts.security.forms.CodeAgainForm",
    "activate_totp": "apps.accounts.security.forms.AddAppForm",
    "add_webauthn": "apps.accounts.security.forms.AddPasskeyForm",
    "authenticate_webauthn": "apps.accounts.security.forms.PasskeyForm",
    "login_webauthn": "apps.accounts.security.forms.PasskeyLoginForm",
    "reauthenticate_webauthn": "apps.accounts.security.forms.PasskeyAgainForm",
}
SOCIALACCOUNT_ADAPTER = "apps.accounts.providers.adapter.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"provider_class": "apps.accounts.providers.oidc.CheckedProvider"},
    "saml": {"provider_class": "apps.accounts.providers.saml.CheckedSaml"},
    "github": {"OAUTH_PKCE_ENABLED": True},
}
# Only for domains that an owner vouched for (providers.adapter), and then for good.
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
# What an identity provider proved needs no mail of ours; all else is refused before.
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True
IDP_OIDC_ADAPTER = "apps.idp.adapter.ProviderAdapter"
IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN = 600
IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN = 30 * 86_400
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

MIDDLEWARE = [
    "apps.core.telemetry.probes.ProbeMiddleware",
    "apps.core.telemetry.requests.RequestMiddleware",
    *(["apps.certificates.middleware.ChallengeMiddleware"] if ROLE == kinds.PLATFORM else []),
    "apps.core.languages.LanguageMiddleware",
    "apps.tenancy.middleware.HostMiddleware",
    "apps.branding.middleware.BrandMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.middleware.ContentSecurityPolicyMiddleware",
    "apps.accounts.security.middleware.PrivateMiddleware",
    "apps.tenancy.sessions.HostSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.languages.PersonLanguageMiddleware",
    "apps.accounts.zones.PersonZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.security.middleware.OriginMiddleware",
    "apps.accounts.visits.middleware.VisitMiddleware",
    "apps.accounts.security.middleware.SecondFactorMiddleware",
    "apps.contract.middleware.GrantMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls.nothing"
ASGI_APPLICATION = "config.asgi.application"
UNFOLD = THEME

_LOADERS = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [("django.template.loaders.cached.Loader", _LOADERS)],
            "builtins": ["django_cotton.templatetags.cotton"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.portal.context.shell",
                "apps.branding.context.brand",
                "apps.notifications.context.bell",
            ],
        },
    }
]

LANGUAGE_CODE = "en"
# Each by the name that its readers know it by. Texts of one that is added here come from locale/.
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", VAR_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = env.path("MEDIA_ROOT", VAR_DIR / "media")
WHITENOISE_USE_FINDERS = True

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
USE_X_FORWARDED_HOST = False
X_FRAME_OPTIONS = "DENY"

_EMAIL_URL: str = env.str("EMAIL_URL", "")
MAILBOX = "apps.core.mailbox.MailboxBackend"
EMAIL: dict[str, Any] = email_of(_EMAIL_URL) if _EMAIL_URL else {"EMAIL_BACKEND": MAILBOX}
# For each console and workspace, and for mails to sign in by; a plan may say otherwise.
MAILS_PER_DAY: int = env.int("MAILS_PER_DAY", 2000)
SECURITY_MAILS_PER_DAY: int = env.int("SECURITY_MAILS_PER_DAY", 10_000)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"DotMac <no-reply@{BASE_DOMAIN}>")

# Of the installation's own mail server, for the checks of SPF and DKIM.
MAIL_SENDING_ADDRESSES: list[str] = env.list("MAIL_SENDING_ADDRESSES", [])
MAIL_DKIM_SELECTOR: str = env.str("MAIL_DKIM_SELECTOR", "")

REDIS_URL: str = env.str("REDIS_URL", "")
CACHES: dict[str, Any] = {
    "default": {
        # One web process shares its memory; several need Redis.
        "BACKEND": "apps.core.caches.SteadyCache"
        if REDIS_URL
        else "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": REDIS_URL or "dotmac",
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
        # Room enough that nobody pushes counted attempts out with names that are not there.
        **({} if REDIS_URL else {"OPTIONS": {"MAX_ENTRIES": 50_000}}),
    }
}
Q_CLUSTER: dict[str, Any] = {
    "name": "dotmac",
    "label": "Queue",
    "orm": "default",
    "workers": env.int("WORKERS", 2),
    # Whoever works longer than WORK_SECONDS without having said so is ended by its heartbeat
    # (apps.work.leases); this is for one whose heartbeat hangs too. An odd number: the library
    # adds three, takes two off again and again, and looks for exactly nothing.
    "timeout": 90_001,
    "retry": 90_061,
    "poll": 0.1,
    "queue_limit": 4,
    "bulk": 1,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "catch_up": False,
    "guard_cycle": 2,
    "recycle": 500,
}

REST_FRAMEWORK = api_settings.REST
# Failed sign-ins of a level within ten minutes above which its networks have few tries.
FAILED_SIGN_INS_BOUND: int = env.int("FAILED_SIGN_INS_BOUND", 100)
# What a key may ask in a minute where the plan does not say.
API_REQUESTS_PER_MINUTE: int = env.int("API_REQUESTS_PER_MINUTE", 600)
# And an address without a valid key, so that guessing keys is bounded.
API_REFUSALS_PER_MINUTE: int = env.int("API_REFUSALS_PER_MINUTE", 120)
# Private networks that webhooks may be sent to, as 10.20.0.0/16; public addresses always are.
WEBHOOK_NETWORKS: list[str] = env.list("WEBHOOK_NETWORKS", [])
SPECTACULAR_SETTINGS = api_settings.document(is_platform=ROLE == kinds.PLATFORM)

# Empty schemas of each kind that wait for a sign-up.
SPARE_SCHEMAS: int = env.int("SPARE_SCHEMAS", 3)

# Days in which a closed organisation can be taken back, and days after which no backup holds what
# was erased (docs/guides/erasing.md).
CLOSING_GRACE_DAYS: int = env.int("CLOSING_GRACE_DAYS", 30)
BACKUP_RETENTION_DAYS: int = env.int("BACKUP_RETENTION_DAYS", 35)
# Days for which the server keeps logs, as its installer tells services; 0: only size ends them.
LOG_DAYS: int = env.int("LOG_DAYS", 0)

# Leases of long work, in seconds; tests shorten them.
LEASE_SECONDS: float = env.float("LEASE_SECONDS", 20.0)
HEARTBEAT_SECONDS: float = env.float("HEARTBEAT_SECONDS", 5.0)
REAP_SECONDS: float = env.float("REAP_SECONDS", 15.0)
# A piece of work takes no longer, unless its runner or its step says how long it may.
WORK_SECONDS: float = env.float("WORK_SECONDS", 3600.0)
# How much longer the clock's turns and beats take where little happens.
CLOCK_SLOWNESS = 1.0

DOCKER_HOST: str = env.str("DOTMAC_DOCKER_HOST", "unix:///var/run/docker.sock")
# Where the networks of the local server begin, as "10.201"; empty: the first range that is free.
LOCAL_ADDRESS_PREFIX: str = env.str("LOCAL_ADDRESS_PREFIX", "")
# Whether this machine's engine becomes a server.
USES_LOCAL_DOCKER: bool = env.str("DOTMAC_DOCKER", "").lower() != "off"
# Limits of CPU are shares that hardly anybody uses up at the same time.
LOCAL_CPU_OVERSELL: int = env.int("LOCAL_CPU_OVERSELL", 32)
IMAGE_APP: str = env.str("IMAGE_APP", f"dotmac/app:{VERSION}")
IMAGE_POSTGRES: str = env.str("IMAGE_POSTGRES", f"dotmac/postgres:{VERSION}")

if ROLE == kinds.PLATFORM:
    STRIPE_LIVE_MODE = env.bool("STRIPE_LIVE_MODE", False)
    # dj-stripe refuses short keys even where nothing is charged yet.
    STRIPE_TEST_SECRET_KEY = env.str("STRIPE_TEST_SECRET_KEY", "sk_test_" + "0" * 24)
    STRIPE_LIVE_SECRET_KEY = env.str("STRIPE_LIVE_SECRET_KEY", "")
    DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
    DJSTRIPE_SUBSCRIBER_MODEL = "tenants.Organisation"
    DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = "apps.tenants.stripe.subscriber_of"

# One JSON object a line, or words for people.
LOG_FORMAT: str = env.str("LOG_FORMAT", logs.JSON, validate=lambda f: f in (logs.JSON, logs.TEXT))
LOGGING: dict[str, Any] = logs.set_up(LOG_FORMAT, env.str("LOG_LEVEL", "INFO"), VERSION)
# Whoever asks for /metrics shows it; without one there is no such page.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", "")
# What the processes of one machine count, best in memory and empty when they start.
METRICS_DIR = env.path("METRICS_DIR", VAR_DIR / "run" / "metrics")
numbers.keep_in(METRICS_DIR)
# A proxy of the operator's own that makes ids of requests and begins traces shows it.
REQUEST_ID_TOKEN: str = env.str("REQUEST_ID_TOKEN", "")
tracing.set_up(VERSION)
