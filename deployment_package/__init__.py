"""Builds the functions' deployment packages, for `sam build` and for the local AWS.

`python -m deployment_package build compactor FOLDER` is what src/Makefile calls; `size` is
`make size`.
"""
