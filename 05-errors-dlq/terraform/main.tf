# Stage 5: what fails is caught, kept and brought back.
#   queues.tf    where it is kept          recovery.tf  how it is brought back
#   retries.tf   what is tried before      archive.tf   what was, for a replay
#   alarms.tf    who is told               dashboard.tf what can be watched

locals {
  # arn:<partition>:events:<region>:<account>:event-bus/<name>
  partition = split(":", var.event_bus.arn)[1]
  region    = split(":", var.event_bus.arn)[3]

  # How long anything is kept from which lost work could be brought back: what SQS offers at most.
  kept_days = 14

  day_seconds = 24 * 60 * 60
}
