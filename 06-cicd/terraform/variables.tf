variable "name_prefix" {
  description = "Start of every name the pipeline's roles may touch; no other stack in the account may have one that begins alike"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name_prefix))
    error_message = "The name prefix has 2 to 20 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }
}

variable "region" {
  description = "AWS region of the stack and of its state"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "The region has the form of us-east-1."
  }
}

variable "names" {
  description = "What the bootstrap's own resources are called (workshop/deployment/aws/bootstrap_names.py)"
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
    error_message = "The path has the form /bootstrap/: without one, the deploy role could touch its own."
  }
}

variable "repository" {
  description = "The repository on GitHub whose workflows may use the roles, as owner/name and in GitHub's own capitals"
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.repository))
    error_message = "The repository has the form owner/name, without wildcards."
  }
}

variable "owner_id" {
  description = "GitHub's number of the repository's owner: a name can be given to somebody else, a number cannot"
  type        = number
  nullable    = false

  validation {
    condition     = var.owner_id > 0 && floor(var.owner_id) == var.owner_id
    error_message = "The owner's id is a whole number."
  }
}

variable "repository_id" {
  description = "GitHub's number of the repository"
  type        = number
  nullable    = false

  validation {
    condition     = var.repository_id > 0 && floor(var.repository_id) == var.repository_id
    error_message = "The repository's id is a whole number."
  }
}

variable "has_oidc_provider" {
  description = "Whether the account has GitHub's OIDC provider already (it can have only one), made by somebody else"
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_email" {
  description = "Address that a warning goes to when the account's costs go over the budget; null: no budget"
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", var.alarm_email))
    error_message = "The alarm e-mail has the form name@example.com."
  }
}

variable "monthly_budget_usd" {
  description = "US dollars a month from which on a warning goes to alarm_email"
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
