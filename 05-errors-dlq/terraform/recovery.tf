# Recovery: a person starts the redrive, which sends dead letters to their consumers again. A schedule
# starts the reconciler, which re-publishes the event of stalled orders.

locals {
  run_every_minutes = 5

  queues = concat(values(aws_sqs_queue.undelivered), values(aws_sqs_queue.failed), values(local.buffers)[*].unprocessed)
}

# The code of both functions.
resource "aws_s3_object" "bundle" {
  bucket      = var.stack.bundle_bucket
  key         = "recovery.zip"
  source      = "${var.stack.bundle_dir}/recovery.zip"
  source_hash = filebase64sha256("${var.stack.bundle_dir}/recovery.zip")
}

module "redrive" {
  source = "../../terraform/modules/event-function"

  stack           = var.stack
  key             = "redrive"
  description     = "Sends dead letters to their consumers again"
  bundle          = aws_s3_object.bundle
  handler         = "recovery.redrive.handler.redrive"
  timeout_seconds = 900  # Lambda's maximum: full queues take a while
  memory_mb       = 1024 # for a batch of the largest messages

  environment = {
    CONSUMERS = jsonencode({
      for key in var.consumers : key => merge(
        {
          function    = var.functions[key].invoke_arn
          undelivered = aws_sqs_queue.undelivered[key].url
          failed      = aws_sqs_queue.failed[key].url
        },
        { for of, buffer in local.buffers : "unprocessed" => buffer.unprocessed.url if of == key },
      )
    })
  }

  additional_statements = [
    {
      sid = "ConsumeDeadLetters"
      actions = [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility", # also for a batch
      ]
      resources = local.queues[*].arn
    },
    {
      sid       = "InvokeConsumers"
      actions   = ["lambda:InvokeFunction"]
      resources = [for key in var.consumers : var.functions[key].invoke_arn]
    },
  ]
}

module "reconciler" {
  source = "../../terraform/modules/event-function"

  stack           = var.stack
  key             = "reconciler"
  description     = "Re-publishes the event of stalled orders"
  bundle          = aws_s3_object.bundle
  handler         = "recovery.reconcile.handler.reconcile"
  timeout_seconds = local.run_every_minutes * 60 # ends before the next run starts

  environment = {
    STUCK_AFTER_SECONDS = "900"
    RUN_EVERY_SECONDS   = tostring(local.run_every_minutes * 60)
    ORDERS_PER_RUN      = "2000" # about 40 ms each: well within the timeout
  }

  table = {
    name          = var.orders_table.name
    arn           = var.orders_table.arn
    actions       = ["GetItem"]
    query_indexes = ["open-orders"]
  }

  # The same event as order-api publishes.
  publishes = {
    event_bus   = var.stack.event_bus
    source      = "orderflow.order"
    detail_type = "OrderCreated"
  }
}

resource "aws_scheduler_schedule" "reconciler" {
  name                = "${var.stack.name_prefix}-reconciler"
  description         = "Looks for stalled orders"
  schedule_expression = "rate(${local.run_every_minutes} minutes)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.reconciler.function.invoke_arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode({})

    # The next run does the work of a missed one.
    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = local.run_every_minutes * 60
    }
  }

  # The first run is at once. What it publishes and a consumer cannot process must find its queue.
  depends_on = [
    aws_iam_role_policy.schedule,
    aws_lambda_function_event_invoke_config.consumer,
    aws_lambda_function_event_invoke_config.live_consumer,
    aws_lambda_function_event_invoke_config.reconciler,
    aws_lambda_function_event_invoke_config.live_reconciler,
  ]
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.stack.name_prefix}-reconciler-schedule"
  description          = "Lets the schedule invoke the reconciler"
  permissions_boundary = var.stack.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.stack.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  name = "own-function"
  role = aws_iam_role.schedule.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "InvokeReconciler"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [module.reconciler.function.invoke_arn]
    }]
  })
}
