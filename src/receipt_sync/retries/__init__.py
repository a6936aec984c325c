"""Back-off between tries, and batch calls that are repeated until every entry is accepted."""
