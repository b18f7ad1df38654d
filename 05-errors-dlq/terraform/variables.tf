variable "name_prefix" {
  description = "Start of the name of everything the stage makes"
  type        = string
  nullable    = false
}

variable "account_id" {
  description = "AWS account the stage lives in"
  type        = string
  nullable    = false
}

variable "bundle_dir" {
  description = "Folder with the functions' zips, one per package"
  type        = string
  nullable    = false
}

variable "bundle_bucket" {
  description = "Bucket the zips are uploaded to"
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days CloudWatch keeps the logs"
  type        = number
  nullable    = false
}

variable "event_bus" {
  description = "The bus all services talk over"
  type        = object({ name = string, arn = string })
  nullable    = false
}

variable "consumers" {
  description = "Keys of the functions that events invoke; apart from `functions`, so that the queues wait for none of them"
  type        = set(string)
  nullable    = false
}

variable "functions" {
  description = "By function key, the functions of the services: what the module event-function puts out; those of `consumers` have a rule"
  type = map(object({
    name       = string
    invoke_arn = string
    role_name  = string
    rule       = optional(object({ name = string }))
  }))
  nullable = false
}

variable "orders_table" {
  description = "The orders: the reconciler looks for the stuck ones among them"
  type        = object({ name = string, arn = string })
  nullable    = false
}

variable "alarm_email" {
  description = "Address that alarms and budget warnings go to; null for none"
  type        = string
  default     = null
}

variable "monthly_budget_usd" {
  description = "US dollars a month from which on a warning goes to alarm_email"
  type        = number
  nullable    = false
}

variable "local" {
  description = "Only for what the local cloud lacks: whether this is the local cloud"
  type        = bool
  default     = false
  nullable    = false
}

variable "live_alias" {
  description = "Name of the alias through which all functions are invoked; null for none"
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of the policy that limits what the roles may be allowed; null for none"
  type        = string
  default     = null
}
