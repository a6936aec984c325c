environment         = "dev"
deletion_protection = false
key_deletion_days   = 7
log_retention_days  = 14
monthly_budget      = 50
