"""Django's settings. Every knob is a typed read of the environment that fails loudly; safe is the default."""

import base64
import os
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from zhike.clock import ClockRefused, parse
from zhike.conduct.bank import Bank
from zhike.embedded import default_home

BASE = Path(__file__).resolve().parent

# ZHIKE_MODE: demo (embedded database allowed, clock may be set), test, or production.
MODE = os.environ.get("ZHIKE_MODE", "production")
if MODE not in {"demo", "test", "production"}:
    raise ImproperlyConfigured(f"ZHIKE_MODE is {MODE!r}; it may be demo, test or production.")
DEMO = MODE in {"demo", "test"}
DEBUG = False


def secret(name: str, for_demo: str) -> str:
    """A secret from the environment; only a demonstration may run with a known one."""
    value = os.environ.get(name, "")
    if value:
        return value
    if DEMO or os.environ.get("ZHIKE_ROLE") == "owner":
        return for_demo
    raise ImproperlyConfigured(f"{name} is not set. Production refuses to start without it; see docs/operations.")


def database(url: str) -> dict[str, object]:
    """Django's database settings from postgresql://user:password@host:port/name?host=/socket/folder."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("ZHIKE_DATABASE_URL must begin with postgresql://; only PostgreSQL is supported.")
    query = parse_qs(parts.query)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", [unquote(parts.hostname or "")])[0],
        "PORT": str(parts.port or query.get("port", [""])[0]),
        # One connection per process stays open; it is checked when a request begins, so a restarted server costs nobody an error.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
        # A machine that does not answer at all must not hold a request for minutes.
        "OPTIONS": {
            "server_side_binding": True,
            "application_name": f"zhike {ROLE}",
            "prepare_threshold": 3,
            "connect_timeout": 5,
        },
        "TIME_ZONE": "UTC",
    }


# Which of the three database roles this process is: app (web), worker, or owner (migrations).
ROLE = os.environ.get("ZHIKE_ROLE", "app")
_variable = {"app": "ZHIKE_DATABASE_URL", "worker": "ZHIKE_WORKER_DATABASE_URL", "owner": "ZHIKE_OWNER_DATABASE_URL"}
if ROLE not in _variable:
    raise ImproperlyConfigured(f"ZHIKE_ROLE is {ROLE!r}; it may be app, worker or owner.")
DATABASES = {
    "default": database(
        os.environ.get(_variable[ROLE])
        or os.environ.get("ZHIKE_DATABASE_URL")
        or "postgresql://zhike_app@localhost/zhike"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECRET_KEY = secret("ZHIKE_SECRET_KEY", "demonstration only, known to everybody, never for production")
# Keys for personal data: "id:base64 of 32 bytes", comma separated, the first one seals, all of them open.
DATA_KEYS = secret("ZHIKE_DATA_KEYS", "d1:" + base64.b64encode(b"demonstration key, 32 bytes long"[:32]).decode())
# Where the files of records lie (docs/operations/files.md); every process of the bank sees the same folder.
FILES = Path(os.environ.get("ZHIKE_FILES") or default_home() / "files")
# A file is taken in piece by piece, and no further than the bank's limit.
FILE_UPLOAD_HANDLERS = ["zhike.documents.arriving.Limited"]
CLOCK = os.environ.get("ZHIKE_CLOCK", "")
if CLOCK:
    if not DEMO:
        raise ImproperlyConfigured("ZHIKE_CLOCK sets the clock for demonstrations; production refuses it.")
    try:
        parse(CLOCK)
    except ClockRefused as error:
        raise ImproperlyConfigured(str(error)) from error

HTTPS = not DEMO
ALLOWED_HOSTS = os.environ.get(
    "ZHIKE_HOSTS", "localhost,127.0.0.1,[::1]" + (",testserver" if MODE == "test" else "")
).split(",")
# Where people find Zhike, for links in notices: https://zhike.bank.example. Without it a notice has no link.
ADDRESS = os.environ.get("ZHIKE_ADDRESS", "").rstrip("/")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host not in {"localhost", "127.0.0.1", "[::1]"}]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "ninja",
    "procrastinate.contrib.django",
    "zhike.trail",
    "zhike.people",
    "zhike.customers",
    "zhike.documents",
    "zhike.obligations",
    "zhike.contacts",
    "zhike.sms",
    "zhike.work",
    "zhike.market",
    "zhike.notices",
    "zhike.pages",
    "zhike.api",
]
PROCRASTINATE_IMPORT_PATHS = ["zhike.schedule"]
AUTH_USER_MODEL = "people.Staff"
ROOT_URLCONF = "zhike.urls"
WSGI_APPLICATION = "zhike.wsgi.application"

USE_TZ = True
TIME_ZONE = Bank().zone.key  # until somebody is signed in; then the setting counts
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [BASE / "locale"]
USE_I18N = True


def drawn_from(folder: Path) -> str:
    """A short name of all that lies in a folder: another one as soon as a single file is."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = sha256()
    for path in files:
        whole.update(f"{path.relative_to(folder)}\0".encode() + sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:12]


# Style sheets and modules name each other by their place, so one name above them all will do: a browser that has a file
# need never ask for it again, and a new release has new addresses.
STATIC_URL = f"/static/{drawn_from(BASE / 'pages' / 'static')}/"
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/"
# Served from where they lie: no step to forget between unpacking a release and starting it.
WHITENOISE_USE_FINDERS = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE / "pages" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "zhike.pages.jinja.Environments",
            "context_processors": ["zhike.pages.shell.shell"],
        },
    },
    # The parts by others bring templates of Django's own kind; ours above are found first.
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]

# What each answer bears, whoever gives it: zhike.front answers in front of Django.
EVERY_ANSWER = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "zhike.pages.headers.ContentSecurityPolicy",
]
MIDDLEWARE = [
    *EVERY_ANSWER,
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "zhike.pages.middleware.Acting",
    "zhike.api.problems.Problems",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]

# Sign-in by staff number and password, then the second factor where a role demands it. Nobody signs up by themselves.
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "zhike.pages.sign_in.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "number"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_PRESERVE_USERNAME_CASING = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {
    "login": "zhike.pages.sign_in.SignInForm",
    "change_password": "zhike.pages.sign_in.PasswordForm",
    "reauthenticate": "zhike.pages.sign_in.PasswordAgainForm",
}
# One lock-out for all ways of guessing, kept in the database where every process sees it: django-axes.
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "zhike.pages.sign_in.SecondFactor"
MFA_FORMS = {
    "authenticate": "zhike.pages.sign_in.CodeForm",
    "reauthenticate": "zhike.pages.sign_in.CodeAgainForm",
    "activate_totp": "zhike.pages.sign_in.SetUpForm",
}
MFA_TOTP_ISSUER = "Zhike 知客"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_PARAMETERS = ["username"]
# The lock is on the staff number, whatever address, browser or cookie is tried with it; a branch shares one address.
SILENCED_SYSTEM_CHECKS = ["axes.W006"]
AXES_FAILURE_LIMIT = "zhike.pages.sign_in.failures_allowed"
AXES_COOLOFF_TIME = "zhike.pages.sign_in.locked_for"
AXES_LOCKOUT_CALLABLE = "zhike.pages.sign_in.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True  # the trail keeps who signed in
AXES_SENSITIVE_PARAMETERS = ["password", "code", "csrfmiddlewaretoken"]
AXES_VERBOSE = False

# Cookies go over HTTPS alone and are out of scripts' reach; a demonstration on loopback has no certificate.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_ENGINE = "zhike.people.session"
SESSION_COOKIE_NAME = "zhike_session"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if os.environ.get("ZHIKE_BEHIND_PROXY") == "1" else None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
PASSWORD_HASHERS = [
    # tests sign in by the hundred; nothing real is protected there
    f"django.contrib.auth.hashers.{'MD5' if MODE == 'test' else 'PBKDF2'}PasswordHasher",
    "zhike.people.invitation.InvitationHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("number", "name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
# A fault that a page speaks of as noted is noted: on stderr, which whoever runs the processes keeps.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"secrets": {"()": "zhike.pages.unlogged.Secrets"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["secrets"]}},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "zhike": {"handlers": ["stderr"], "level": "WARNING"},
    },
}
