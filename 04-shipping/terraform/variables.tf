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
    buffered             = optional(set(string), [])               # keys of the functions with a queue between their rule and themselves
    local                = optional(bool, false)                   # whether this is the local cloud: only for what it lacks
  })
  nullable = false
}

variable "failure_handling" {
  description = "By function key: dead-letter queue and retry policy of the rule's target; empty: EventBridge's defaults"
  type = map(object({
    dead_letter_queue_arn        = string
    maximum_retry_attempts       = number
    maximum_event_age_in_seconds = number
  }))
  default  = {}
  nullable = false
}
