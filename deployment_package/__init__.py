"""Builds the deployment packages of the functions, for `sam build` and for the local AWS.

src/Makefile calls `python -m deployment_package build compactor FOLDER`. `make size` calls `python
-m deployment_package size`.
"""
