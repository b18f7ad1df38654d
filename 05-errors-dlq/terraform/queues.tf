# Two dead-letter queues per consumer, because each one catches what the other does not:
#   undelivered  EventBridge could not deliver the event (no permission, no such function)
#   failed       Lambda accepted the event, and the function failed
#
# A consumer with a buffer (event-function) has a third one, `unprocessed`, which is part of it.
#
# The policies build all ARNs from names. The provider takes 25 s to create a queue, so a queue must
# not wait for a rule or a role, and a separate policy resource would take another 25 s.

locals {
  queue_arns = "arn:${local.partition}:sqs:${local.region}:${var.stack.account_id}"

  # The name of each queue, and the only sender it accepts.
  undelivered = {
    for key in var.consumers : key => {
      name   = "${var.stack.name_prefix}-${key}-undelivered"
      sender = "arn:${local.partition}:events:${local.region}:${var.stack.account_id}:rule/${var.stack.event_bus.name}/${var.stack.name_prefix}-${key}"
    }
  }
  failed = {
    for key in var.consumers : key => {
      name   = "${var.stack.name_prefix}-${key}-failed"
      sender = "arn:${local.partition}:iam::${var.stack.account_id}:role/${var.stack.name_prefix}-${key}"
    }
  }

  # Those of the consumers that have one: the queue itself, and the queue of its dead letters.
  buffers = { for key in var.consumers : key => var.functions[key].buffer if var.functions[key].buffer != null }

  # The local cloud serves plain HTTP only.
  secure_transport = var.stack.local ? [] : [{
    Sid       = "DenyInsecureTransport"
    Effect    = "Deny"
    Action    = "sqs:*"
    Principal = "*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }]
}

resource "aws_sqs_queue" "undelivered" {
  for_each = local.undelivered

  name                       = each.value.name
  message_retention_seconds  = local.kept_days * local.day_seconds
  visibility_timeout_seconds = 120
  sqs_managed_sse_enabled    = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat([
        {
          Sid       = "AllowRule"
          Effect    = "Allow"
          Action    = "sqs:SendMessage"
          Principal = { Service = "events.amazonaws.com" }
          Condition = { ArnEquals = { "aws:SourceArn" = each.value.sender } }
        },
        {
          Sid       = "DenyOtherSenders"
          Effect    = "Deny"
          Action    = "sqs:SendMessage"
          Principal = "*" # also a caller without a source: a missing key does not equal the ARN
          Condition = { ArnNotEquals = { "aws:SourceArn" = each.value.sender } }
        },
      ], local.secure_transport) : merge(statement, { Resource = "${local.queue_arns}:${each.value.name}" })
    ]
  })
}

resource "aws_sqs_queue" "failed" {
  for_each = local.failed

  name                       = each.value.name
  message_retention_seconds  = local.kept_days * local.day_seconds
  visibility_timeout_seconds = 120
  sqs_managed_sse_enabled    = true

  # The role's own policy allows the sender (retries.tf). The condition compares the principal's ARN:
  # SQS would refuse a principal that does not exist yet.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat([
        {
          Sid       = "DenyOtherSenders"
          Effect    = "Deny"
          Action    = "sqs:SendMessage"
          Principal = "*"
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = each.value.sender } }
        },
      ], local.secure_transport) : merge(statement, { Resource = "${local.queue_arns}:${each.value.name}" })
    ]
  })
}
