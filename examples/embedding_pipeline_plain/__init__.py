"""An embedding pipeline with boto3 and NumPy only."""
