# Two dead-letter queues per consumer, because neither catches what the other does:
#   undelivered  EventBridge could not deliver the event (no permission, no such function)
#   failed       Lambda took the event, and the function failed at it
#
# All ARNs in the policies are put together from names: a queue takes the provider 25 s, so it
# must wait for no rule and no role, and a policy of its own would take as long again.

locals {
  queue_arns = "arn:${local.partition}:sqs:${local.region}:${var.account_id}"

  # A queue's name, and the only one that may send to it.
  undelivered = {
    for key in var.consumers : key => {
      name   = "${var.name_prefix}-${key}-undelivered"
      sender = "arn:${local.partition}:events:${local.region}:${var.account_id}:rule/${var.event_bus.name}/${var.name_prefix}-${key}"
    }
  }
  failed = {
    for key in var.consumers : key => {
      name   = "${var.name_prefix}-${key}-failed"
      sender = "arn:${local.partition}:iam::${var.account_id}:role/${var.name_prefix}-${key}"
    }
  }

  # The local cloud serves plain http only.
  secure_transport = var.local ? [] : [{
    Sid       = "NobodyInTheClear"
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
          Sid       = "ItsRuleSends"
          Effect    = "Allow"
          Action    = "sqs:SendMessage"
          Principal = { Service = "events.amazonaws.com" }
          Condition = { ArnEquals = { "aws:SourceArn" = each.value.sender } }
        },
        {
          Sid       = "NobodyElseSends"
          Effect    = "Deny"
          Action    = "sqs:SendMessage"
          Principal = "*" # a caller without a source, too: what is missing is not equal
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

  # Who may send is allowed by its role (retries.tf). Principals of IAM are compared here, not
  # named: SQS would refuse a role that does not exist yet.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat([
        {
          Sid       = "NobodyElseSends"
          Effect    = "Deny"
          Action    = "sqs:SendMessage"
          Principal = "*"
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = each.value.sender } }
        },
      ], local.secure_transport) : merge(statement, { Resource = "${local.queue_arns}:${each.value.name}" })
    ]
  })
}
