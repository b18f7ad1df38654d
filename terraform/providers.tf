# Which cloud this reaches is decided outside, by the usual AWS variables of the
# environment: credentials, and AWS_ENDPOINT_URL for the local cloud.
provider "aws" {
  region = var.region

  # Never the stage: a tag that changes with it would touch every resource at each step.
  default_tags {
    tags = {
      Project   = "orderflow"
      Stack     = var.name_prefix
      ManagedBy = "terraform"
    }
  }
}
