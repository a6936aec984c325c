"""Load: Locust users that write as pipeline and editors do, and a watcher that times readers."""
