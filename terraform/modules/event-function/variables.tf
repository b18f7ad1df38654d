variable "stack" {
  description = "What all functions of the stack share"
  type = object({
    name_prefix          = string                    # start of every name: the function is called <name_prefix>-<key>
    account_id           = string                    # only for this AWS account may Lambda assume the role
    log_retention_days   = number                    # days for which CloudWatch keeps the log
    live_alias           = optional(string)          # name of an alias through which all invoke the function; null: none
    permissions_boundary = optional(string)          # ARN of the policy that limits the permissions of the role; null: none
    buffered             = optional(set(string), []) # keys of the functions with a queue in front: see buffer.tf
    local                = optional(bool, false)     # whether this is the local cloud: only for what it lacks
  })
  nullable = false
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
  description = "The zip with the function's code: bucket, key, and a hash that changes with the code"
  type        = object({ bucket = string, key = string, source_hash = string })
  nullable    = false
}

variable "handler" {
  description = "Entry point inside the bundle, e.g. payment_service.handler.charge"
  type        = string
  nullable    = false
}

variable "memory_mb" {
  description = "Memory in MB; more memory also gives more CPU, which shortens a cold start"
  type        = number
  default     = 512
  nullable    = false
}

variable "timeout_seconds" {
  description = "Seconds after which Lambda ends an invocation: longer than three AWS requests that hang, shorter than the API's 30"
  type        = number
  default     = 25
  nullable    = false
}

variable "environment" {
  description = "Environment variables in addition to those of the module (TABLE_NAME, EVENT_BUS_NAME, POWERTOOLS_*)"
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "table" {
  description = "The function's own table, the actions it may perform there (e.g. PutItem), and the indexes it may query; null: none"
  type = object({
    name          = string
    arn           = string
    actions       = list(string)
    query_indexes = optional(list(string), [])
  })
  default = null
}

variable "publishes" {
  description = "The only event type that the function may publish; null: none"
  type = object({
    event_bus   = object({ name = string, arn = string })
    source      = string
    detail_type = string
  })
  default = null
}

variable "steps" {
  description = "The steps of the events that the function publishes: it counts each in a metric of this name"
  type        = list(string)
  default     = []
  nullable    = false
}

variable "additional_statements" {
  description = "More statements for the function's policy"
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
  }))
  default  = []
  nullable = false
}

variable "consumes" {
  description = "The bus and the pattern (JSON) of the events that invoke the function; null: none"
  type = object({
    event_bus_name = string
    event_pattern  = string
  })
  default = null
}

variable "failure_handling" {
  description = "By function key: the queue for an event that EventBridge cannot deliver, and the limits of its retries (at most 185, 60-86400 s). Entries of other functions are ignored; without an entry, EventBridge's defaults apply"
  type = map(object({
    dead_letter_queue_arn        = string
    maximum_retry_attempts       = number
    maximum_event_age_in_seconds = number
  }))
  default  = {}
  nullable = false
}

variable "buffer" {
  description = "Settings of the queue between the rule and the function, which exists if `stack.buffered` has the function's key: messages per invocation, seconds to wait for more of them, invocations at the same time, and receives before a message is a dead letter"
  type = object({
    batch_size           = optional(number, 10)
    batch_window_seconds = optional(number, 0)
    maximum_concurrency  = optional(number, 2)
    maximum_receives     = optional(number, 5)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.buffer.batch_size >= 1 && var.buffer.batch_size <= (var.buffer.batch_window_seconds > 0 ? 10000 : 10)
    error_message = "A batch has 1 to 10 messages, or up to 10,000 with a batch window."
  }

  validation {
    condition     = var.buffer.batch_window_seconds >= 0 && var.buffer.batch_window_seconds <= 300
    error_message = "The batch window is 0 to 300 seconds."
  }

  validation {
    condition     = var.buffer.maximum_concurrency >= 2 && var.buffer.maximum_concurrency <= 1000
    error_message = "The maximum concurrency of an event source mapping is 2 to 1,000."
  }

  validation {
    condition     = var.buffer.maximum_receives >= 1 && var.buffer.maximum_receives <= 1000
    error_message = "A message is received 1 to 1,000 times before it is a dead letter."
  }
}
