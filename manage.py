#!/usr/bin/env python
"""Django's own commands, `check --deploy` above all. What Zhike itself does is asked of `zhike`."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.settings")
execute_from_command_line(sys.argv)
