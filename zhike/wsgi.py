"""Where a web server takes hold of Zhike."""

import os
import threading

import psycopg._queries
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from django.utils import timezone
from django.utils.translation import trans_real

from zhike import processes

processes.follow_parent()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.settings")
django = get_wsgi_application()

from zhike.api import reads as data  # noqa: E402 once Django's applications are there
from zhike.front import Front  # noqa: E402
from zhike.pages import reads as pages  # noqa: E402

application = Front(django, [pages.Today(), pages.customer, data.timeline, data.card])
get_resolver().url_patterns  # noqa: B018 all pages are made ready now, and not by whoever asks first

# Each word and each moment of a page asks which language and which zone count. Django keeps both where asynchronous code finds
# its own again, behind a lock; here a thread serves one request at a time.
trans_real._active = threading.local()  # type: ignore[attr-defined]
timezone._active = threading.local()  # type: ignore[attr-defined]
# psycopg keeps what it made of a statement's text up to 4,096 letters; what is asked for most is longer.
psycopg._queries.MAX_CACHED_STATEMENT_LENGTH = 8192
