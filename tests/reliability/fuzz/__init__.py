"""Bad input. Each input is applied, ignored by a rule, or set aside with a reason."""
