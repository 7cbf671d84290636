"""Where the real data sets are, for tests that skip without them."""

import os
from pathlib import Path

DATA = Path(os.environ.get("STRADS_DATA", Path(__file__).parents[2] / "shared" / "data"))
