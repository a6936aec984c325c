"""The local AWS with a deployment like that to AWS: `make up` and `make down`."""
