# Reached as the stack's own configuration is: by the usual AWS variables of the environment.
provider "aws" {
  region = var.region

  # Another `Stack` than the stack's: what is left of that is searched for by this tag.
  default_tags {
    tags = {
      Project   = "orderflow"
      Stack     = "${var.name_prefix}-bootstrap"
      ManagedBy = "terraform"
    }
  }
}
