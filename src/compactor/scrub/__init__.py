"""The scrub: every record is compared with the table again and again, slice by slice (I12)."""
