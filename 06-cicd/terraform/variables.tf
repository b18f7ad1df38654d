variable "name_prefix" {
  description = "Start of every name that the pipeline's roles may change; no other stack's prefix in the account may start with it"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name_prefix))
    error_message = "The name prefix has 2 to 20 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }
}

variable "region" {
  description = "AWS region of the stack and its state"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "The region has the form of us-east-1."
  }
}

variable "names" {
  description = "Names of the bootstrap's own resources (workshop/deployment/aws/bootstrap_names.py)"
  type = object({
    state_bucket = string
    plan_role    = string
    deploy_role  = string
    boundary     = string
    path         = string
  })
  nullable = false

  validation {
    condition     = can(regex("^/[a-z]+/$", var.names.path))
    error_message = "The path has the form /bootstrap/. Without a path, the deploy role could change its own permissions."
  }
}

variable "repository" {
  description = "GitHub repository of the workflows that may assume the roles, as owner/name, with the same capitals as on GitHub"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.repository))
    error_message = "The repository has the form owner/name, without wildcards."
  }
}

variable "owner_id" {
  description = "GitHub's id of the repository's owner: somebody else can get the name, but not the id"
  type        = number
  nullable    = false

  validation {
    condition     = var.owner_id > 0 && floor(var.owner_id) == var.owner_id
    error_message = "The owner's id is a whole number."
  }
}

variable "repository_id" {
  description = "GitHub's id of the repository"
  type        = number
  nullable    = false

  validation {
    condition     = var.repository_id > 0 && floor(var.repository_id) == var.repository_id
    error_message = "The repository's id is a whole number."
  }
}

variable "has_oidc_provider" {
  description = "Whether the account already has GitHub's OIDC provider from elsewhere (an account can have only one)"
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_email" {
  description = "E-mail address for a warning when the account's costs exceed the budget; null: no budget"
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", var.alarm_email))
    error_message = "The alarm e-mail has the form name@example.com."
  }
}

variable "monthly_budget_usd" {
  description = "US dollars per month above which alarm_email gets a warning"
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "The monthly budget is more than 0 US dollars."
  }
}

variable "local" {
  description = "Only for what the local cloud lacks: whether this is the local cloud"
  type        = bool
  default     = false
  nullable    = false
}
