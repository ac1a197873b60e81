"""``python -m tasks.command``, which a checkout has in place of an installed ``pocketlaw``."""

import sys

from tasks.command.main import main

if __name__ == "__main__":
    sys.exit(main())
