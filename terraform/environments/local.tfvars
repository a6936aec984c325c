# The local AWS: MiniStack or LocalStack at AWS_ENDPOINT_URL.
environment = "local"
emulator    = true

deletion_protection = false
key_deletion_days   = 7

# Short times, so that failures show within minutes.
stream_processor_timeout = 30
compactor_timeout        = 30
lease_seconds            = 20
heartbeat_seconds        = 5
visibility_timeout       = 180

# Emulators send no bills.
monthly_budget       = null
cost_anomaly_dollars = null
