# Stage 5: catches, stores and recovers events that fail.
#   queues.tf    dead-letter queues          recovery.tf  redrive and reconciler
#   retries.tf   retries before the queues   archive.tf   all events, for a replay
#   alarms.tf    alarms and their topic      dashboard.tf metrics on one page

locals {
  # arn:<partition>:events:<region>:<account>:event-bus/<name>
  partition = split(":", var.stack.event_bus.arn)[1]
  region    = split(":", var.stack.event_bus.arn)[3]

  # Retention of everything that a recovery can start from: SQS's maximum.
  kept_days = 14

  day_seconds = 24 * 60 * 60
}
