variable "stage" {
  description = "The last stage to deploy: 1 order service, 2 payment, 3 inventory, 4 shipping, 5 errors and dead letters, 6 CI/CD"
  type        = number
  default     = 6
  nullable    = false

  validation {
    condition     = contains([1, 2, 3, 4, 5, 6], var.stage)
    error_message = "The stage is a whole number from 1 to 6."
  }
}

variable "name_prefix" {
  description = "Start of every resource's name; two stacks with different prefixes can share an account"
  type        = string
  default     = "orderflow"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name_prefix))
    error_message = "The name prefix has 2 to 20 lower-case letters, digits and hyphens, starts with a letter and does not end with a hyphen."
  }
}

variable "region" {
  description = "AWS region"
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "The region has the form of us-east-1."
  }
}

variable "local" {
  description = "Only for what the local cloud lacks: its address, e.g. http://127.0.0.1:4566; null on AWS"
  type        = object({ endpoint_url = string })
  default     = null

  validation {
    condition     = var.local == null || can(regex("^https?://[^/]+$", var.local.endpoint_url))
    error_message = "The local cloud's endpoint_url has the form http://127.0.0.1:4566, without a path or a slash at the end."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the logs"
  type        = number
  default     = 14
  nullable    = false

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "alarm_email" {
  description = "E-mail address for alarms and budget warnings, from stage 5 on; null: none"
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", var.alarm_email))
    error_message = "The alarm e-mail has the form name@example.com."
  }
}

variable "monthly_budget_usd" {
  description = "US dollars per month above which alarm_email gets a warning, from stage 5 on"
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "The monthly budget is more than 0 US dollars."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that limits the permissions of every role of the stack, created by the bootstrap; null: none"
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "The permissions boundary is a policy's ARN, of the form arn:aws:iam::123456789012:policy/name."
  }
}

variable "buffered" {
  description = "Keys of the functions that get a queue between their rule and themselves, e.g. [\"shipping\"]: docs/buffer.md"
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.buffered, local.consumers)) == 0
    error_message = "Only a function of this stage that events invoke can have a buffer: ${join(", ", local.consumers)}."
  }
}

variable "bundle_dir" {
  description = "Folder with the functions' zips, relative to this folder"
  type        = string
  default     = "../.workshop/bundles"
  nullable    = false
}
