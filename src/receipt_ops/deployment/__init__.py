"""The state of a deployed system: discovery, status, alerts, feature flags and configuration."""
