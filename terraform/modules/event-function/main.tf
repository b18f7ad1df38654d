# One function with its log group, role and policy. If it consumes events, also the rule, the target
# and the permission.

locals {
  name = "${var.stack.name_prefix}-${var.key}"

  # What callers invoke.
  invoke_arn = var.stack.live_alias == null ? aws_lambda_function.this.arn : aws_lambda_alias.live[0].arn

  # [] before stage 5, then the entry of this function.
  failure_handling = [for key, handling in var.failure_handling : handling if key == var.key]

  environment = merge(
    {
      POWERTOOLS_SERVICE_NAME      = var.key
      POWERTOOLS_METRICS_NAMESPACE = var.stack.name_prefix # one namespace per stack
      POWERTOOLS_LOG_LEVEL         = "INFO"
    },
    var.table == null ? {} : { TABLE_NAME = var.table.name },
    var.publishes == null ? {} : { EVENT_BUS_NAME = var.publishes.event_bus.name },
    var.environment,
  )

  # All permissions of the role. `x[*]` is [] for null, so a statement exists only if it is needed.
  policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "WriteOwnLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"] # Terraform creates the group
          Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]    # the streams of this group
        },
        {
          Sid      = "WriteTraces"
          Effect   = "Allow"
          Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
          Resource = ["*"] # X-Ray has no resource types for these two
        },
      ],
      [for table in var.table[*] : {
        Sid      = "UseOwnTable"
        Effect   = "Allow"
        Action   = [for action in table.actions : "dynamodb:${action}"]
        Resource = [table.arn]
      }],
      [for table in var.table[*] : {
        Sid      = "QueryOwnIndexes"
        Effect   = "Allow"
        Action   = ["dynamodb:Query"]
        Resource = [for index in table.query_indexes : "${table.arn}/index/${index}"]
      } if length(table.query_indexes) > 0],
      [for publishes in var.publishes[*] : {
        Sid      = "PublishOwnEvents"
        Effect   = "Allow"
        Action   = ["events:PutEvents"]
        Resource = [publishes.event_bus.arn]
        Condition = {
          StringEquals = {
            "events:source"      = publishes.source
            "events:detail-type" = publishes.detail_type
          }
        }
      }],
      [for queue in aws_sqs_queue.buffer : {
        Sid      = "ConsumeOwnBuffer"
        Effect   = "Allow"
        Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = [queue.arn]
      }],
      [for statement in var.additional_statements : {
        Sid      = statement.sid
        Effect   = "Allow"
        Action   = statement.actions
        Resource = statement.resources
      }],
    )
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${local.name}"
  retention_in_days = var.stack.log_retention_days
}

resource "aws_iam_role" "this" {
  name                 = local.name
  description          = "Permissions of the function ${local.name}"
  permissions_boundary = var.stack.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.stack.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "own-resources"
  role   = aws_iam_role.this.name
  policy = jsonencode(local.policy)
}

resource "aws_lambda_function" "this" {
  function_name    = local.name
  description      = var.description
  role             = aws_iam_role.this.arn
  runtime          = "python3.13"
  architectures    = ["arm64"]
  handler          = var.handler
  s3_bucket        = var.bundle.bucket
  s3_key           = var.bundle.key
  source_code_hash = var.bundle.source_hash
  memory_size      = var.memory_mb
  timeout          = var.timeout_seconds

  environment {
    variables = local.environment
  }

  # Powertools writes JSON itself. The reference creates the log group before the function.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = "Active"
  }

  # Lambda checks the role when the function is created, and the first event needs the permissions.
  # They are also destroyed after the function.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_cloudwatch_event_rule" "this" {
  count = var.consumes == null ? 0 : 1

  name           = local.name
  description    = "Events for the function ${local.name}"
  event_bus_name = var.consumes.event_bus_name
  event_pattern  = var.consumes.event_pattern
}

resource "aws_cloudwatch_event_target" "this" {
  count = var.consumes == null ? 0 : 1

  rule           = aws_cloudwatch_event_rule.this[0].name
  event_bus_name = var.consumes.event_bus_name
  target_id      = var.key
  arn            = local.buffered ? aws_sqs_queue.buffer[0].arn : local.invoke_arn

  dynamic "dead_letter_config" {
    for_each = local.failure_handling
    content {
      arn = dead_letter_config.value.dead_letter_queue_arn
    }
  }

  dynamic "retry_policy" {
    for_each = local.failure_handling
    content {
      maximum_retry_attempts       = retry_policy.value.maximum_retry_attempts
      maximum_event_age_in_seconds = retry_policy.value.maximum_event_age_in_seconds
    }
  }

  # Without the permission, an event becomes a dead letter at once.
  depends_on = [aws_lambda_permission.rule, aws_lambda_permission.rule_to_live]
}

resource "aws_lambda_permission" "rule" {
  count = var.consumes == null ? 0 : 1

  statement_id  = "rule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[0].arn
}
