variable "name_prefix" {
  description = "Start of every name: the function is called <name_prefix>-<key>"
  type        = string
  nullable    = false
}

variable "key" {
  description = "The function's short name, e.g. payment-refund"
  type        = string
  nullable    = false
}

variable "description" {
  description = "What the function does, in a few words"
  type        = string
  nullable    = false
}

variable "bundle" {
  description = "The zip with the function's code: bucket, key, and its hash, by which a change is seen"
  type        = object({ bucket = string, key = string, source_hash = string })
  nullable    = false
}

variable "handler" {
  description = "Entry point inside the bundle, e.g. payment_service.handler.charge"
  type        = string
  nullable    = false
}

variable "account_id" {
  description = "AWS account on whose behalf alone Lambda may assume the role"
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days CloudWatch keeps the function's log"
  type        = number
  nullable    = false
}

variable "memory_mb" {
  description = "Memory in MB; CPU grows with it, and a cold start is CPU"
  type        = number
  default     = 512
  nullable    = false
}

variable "timeout_seconds" {
  description = "Seconds after which Lambda ends a call: more than three AWS requests that hang, less than the API's 30"
  type        = number
  default     = 25
  nullable    = false
}

variable "environment" {
  description = "Environment variables beside those the module sets (TABLE_NAME, EVENT_BUS_NAME, POWERTOOLS_*)"
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "table" {
  description = "The function's own table, what it may do there (e.g. PutItem), and the indexes it may query; null for none"
  type = object({
    name          = string
    arn           = string
    actions       = list(string)
    query_indexes = optional(list(string), [])
  })
  default = null
}

variable "publishes" {
  description = "The one kind of event the function may put on the bus; null for none"
  type = object({
    event_bus   = object({ name = string, arn = string })
    source      = string
    detail_type = string
  })
  default = null
}

variable "additional_statements" {
  description = "What else the function may do, as statements of its policy"
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
  }))
  default  = []
  nullable = false
}

variable "consumes" {
  description = "The bus and the pattern (JSON) of the events that invoke the function; null for none"
  type = object({
    event_bus_name = string
    event_pattern  = string
  })
  default = null
}

variable "failure_handling" {
  description = "By function key: where EventBridge puts an event it cannot deliver, and how long it tries (at most 185 times, 60-86400 s). Other functions' entries are ignored; without an own entry EventBridge's defaults hold"
  type = map(object({
    dead_letter_queue_arn        = string
    maximum_retry_attempts       = number
    maximum_event_age_in_seconds = number
  }))
  default  = {}
  nullable = false
}

variable "live_alias" {
  description = "Name of an alias to be made, through which all invoke the function; null for none"
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of the policy that limits what the function's role may be allowed; null for none"
  type        = string
  default     = null
}
