"""What both Lambda functions share and no other program needs: telemetry with Powertools, X-Ray."""
