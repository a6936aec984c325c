# Pass the location of the state to `terraform init` with -backend-config: bucket, key and region.
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
