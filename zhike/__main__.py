"""`python -m zhike` is the command `zhike`."""

from zhike.cli import main

raise SystemExit(main())
