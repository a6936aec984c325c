"""Locust is imported without its patches: they would change the other tests of this process."""

import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
