"""An embedding pipeline that uses `receipt_index`."""
