"""Import Locust without its patches, which would change the other tests of this process."""

import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
