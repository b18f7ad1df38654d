variable "stack" {
  description = "What all stages share"
  type = object({
    name_prefix          = string                                  # start of the name of every resource
    account_id           = string                                  # AWS account
    bundle_dir           = string                                  # folder with the zips of the functions, one per package
    bundle_bucket        = string                                  # bucket to which the zips are uploaded
    event_bus            = object({ name = string, arn = string }) # bus that all services use
    log_retention_days   = number                                  # days for which CloudWatch keeps the logs
    live_alias           = optional(string)                        # alias through which all functions are invoked; null: none
    permissions_boundary = optional(string)                        # ARN of the policy that limits the permissions of every role; null: none
    local                = optional(bool, false)                   # whether this is the local cloud: only for what it lacks
  })
  nullable = false
}

variable "consumers" {
  description = "Keys of the functions that events invoke; not read from `functions`, so that the queues do not wait for these"
  type        = set(string)
  nullable    = false
}

variable "functions" {
  description = "By function key, the functions of the services as event-function returns them; those in `consumers` have a rule"
  type = map(object({
    name       = string
    invoke_arn = string
    role_name  = string
    rule       = optional(object({ name = string }))
    buffer     = optional(object({ name = string, unprocessed = object({ name = string, arn = string, url = string }) }))
  }))
  nullable = false
}

variable "steps" {
  description = "What the functions count, in the order of the stages: an order passes these steps"
  type        = list(object({ function = string, step = string }))
  nullable    = false
}

variable "orders_table" {
  description = "The orders, among which the reconciler looks for stalled ones"
  type        = object({ name = string, arn = string })
  nullable    = false
}

variable "alarm_email" {
  description = "E-mail address for alarms and budget warnings; null: none"
  type        = string
  default     = null
}

variable "monthly_budget_usd" {
  description = "US dollars per month above which alarm_email gets a warning"
  type        = number
  nullable    = false
}
