# Where the state is, is given to `terraform init`: -backend-config="bucket=…", "key=…", "region=…".
terraform {
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}
