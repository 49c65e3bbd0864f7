"""Run ``python -m panewatch`` as the ``panewatch`` command."""

import sys

from panewatch.cli import main

sys.exit(main())
