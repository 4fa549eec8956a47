"""Where a web server takes hold of Zhike."""

import os

from django.core.wsgi import get_wsgi_application

from zhike import processes

processes.follow_parent()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.settings")
django = get_wsgi_application()

from zhike.api.reads import Reads  # noqa: E402 once Django's applications are there

application = Reads(django)
