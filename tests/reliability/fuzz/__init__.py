"""Bad input: whatever comes, it is applied, ignored by a rule, or set aside with a reason."""
