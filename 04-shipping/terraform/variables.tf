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
  description = "Folder with the functions' zips, one per service package"
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
