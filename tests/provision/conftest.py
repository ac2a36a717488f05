"""What takes minutes (`test_…_long.py`) is collected only by `./densach test --provision`."""

import os

collect_ignore_glob = [] if os.environ.get("DENSACH_PROVISION") == "1" else ["*_long.py"]
