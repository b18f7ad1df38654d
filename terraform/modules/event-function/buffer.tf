# An optional queue between the rule and the function. Lambda polls it and invokes the function with a
# batch of its messages, a limited number of times at once. The function reports the messages that
# failed, and only these return to the queue. docs/buffer.md explains when to use it.
#
# create_before_destroy: without it, Terraform would delete the queue before the rule stops using it.

locals {
  buffered     = contains(var.stack.buffered, var.key) && var.consumes != null
  buffer_names = { queue = "${local.name}-buffer", unprocessed = "${local.name}-unprocessed" }

  # arn:<partition>:events:<region>:<account>:rule/…
  queue_arns = one([
    for rule in aws_cloudwatch_event_rule.this : "arn:${split(":", rule.arn)[1]}:sqs:${split(":", rule.arn)[3]}:${var.stack.account_id}"
    if local.buffered
  ])

  # The local cloud serves plain HTTP only.
  secure_transport = var.stack.local ? [] : [{
    Sid       = "DenyInsecureTransport"
    Effect    = "Deny"
    Action    = "sqs:*"
    Principal = "*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }]
}

# Only the rule sends events to it. SQS itself moves messages to the queue of dead letters.
resource "aws_sqs_queue" "buffer" {
  count = local.buffered ? 1 : 0

  name                      = local.buffer_names.queue
  message_retention_seconds = 14 * 24 * 60 * 60 # SQS's maximum, as for dead letters
  sqs_managed_sse_enabled   = true

  # AWS recommends six times the function's timeout, plus the batch window: Lambda also retries a
  # throttled batch within this time (Lambda Developer Guide, "Creating and configuring an Amazon SQS
  # event source mapping").
  visibility_timeout_seconds = 6 * var.timeout_seconds + var.buffer.batch_window_seconds

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.unprocessed[0].arn
    maxReceiveCount     = var.buffer.maximum_receives
  })

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat([
        {
          Sid       = "AllowRule"
          Effect    = "Allow"
          Action    = "sqs:SendMessage"
          Principal = { Service = "events.amazonaws.com" }
          Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.this[0].arn } }
        },
        {
          Sid       = "DenyOtherSenders"
          Effect    = "Deny"
          Action    = "sqs:SendMessage"
          Principal = "*" # also a caller without a source: a missing key does not equal the ARN
          Condition = { ArnNotEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.this[0].arn } }
        },
      ], local.secure_transport) : merge(statement, { Resource = "${local.queue_arns}:${local.buffer_names.queue}" })
    ]
  })

  lifecycle {
    create_before_destroy = true
  }
}

# The dead letters of the buffer: events that the function failed to process so many times.
resource "aws_sqs_queue" "unprocessed" {
  count = local.buffered ? 1 : 0

  name                       = local.buffer_names.unprocessed
  message_retention_seconds  = 14 * 24 * 60 * 60
  visibility_timeout_seconds = 120
  sqs_managed_sse_enabled    = true

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["${local.queue_arns}:${local.buffer_names.queue}"]
  })

  # Nobody sends to it: SQS needs no permission to move a message.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat([
        {
          Sid       = "DenySenders"
          Effect    = "Deny"
          Action    = "sqs:SendMessage"
          Principal = "*"
        },
      ], local.secure_transport) : merge(statement, { Resource = "${local.queue_arns}:${local.buffer_names.unprocessed}" })
    ]
  })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_event_source_mapping" "buffer" {
  count = local.buffered ? 1 : 0

  event_source_arn                   = aws_sqs_queue.buffer[0].arn
  function_name                      = local.invoke_arn
  batch_size                         = var.buffer.batch_size
  maximum_batching_window_in_seconds = var.buffer.batch_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.buffer.maximum_concurrency
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_iam_role_policy.this] # Lambda checks that the role has the permissions
}
