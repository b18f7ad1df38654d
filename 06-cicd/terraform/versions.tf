terraform {
  required_version = ">= 1.11, < 2.0" # the first with a lock file beside the state in S3

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}
