"""A module that takes longer to import than any test may take."""

import time

time.sleep(600)
