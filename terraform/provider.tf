# Region, credentials and an emulator's AWS_ENDPOINT_URL come from the environment.
provider "aws" {
  skip_credentials_validation = var.emulator
  skip_metadata_api_check     = var.emulator
  skip_region_validation      = var.emulator
  s3_use_path_style           = var.emulator

  default_tags {
    tags = {
      project     = "receipt-chroma-sync"
      environment = var.environment
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}
