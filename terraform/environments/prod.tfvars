environment         = "prod"
deletion_protection = true
key_deletion_days   = 30
log_retention_days  = 90
old_version_days    = 60
monthly_budget      = 200
