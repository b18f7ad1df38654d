# Configured like the stack's provider: by the usual AWS environment variables.
provider "aws" {
  region = var.region

  # Another `Stack` than that of the stack: the check after a destroy searches for the stack's tag.
  default_tags {
    tags = {
      Project   = "orderflow"
      Stack     = "${var.name_prefix}-bootstrap"
      ManagedBy = "terraform"
    }
  }
}
