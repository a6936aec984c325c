"""The functions' logs: reading them in CloudWatch, and following them."""
