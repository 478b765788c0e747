"""`python -m dust3r_sfm.cli`, where no script is installed."""

import sys

from dust3r_sfm.cli import main

sys.exit(main())
