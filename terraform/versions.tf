terraform {
  required_version = ">= 1.11.0, < 2.0.0" # 1.11: the backend's lock file

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}
