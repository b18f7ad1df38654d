# The way back: the redrive hands dead letters to their consumers again, by hand; the reconciler
# announces orders again that stand still, by schedule.

locals {
  run_every_minutes = 5

  queues = concat(values(aws_sqs_queue.undelivered), values(aws_sqs_queue.failed))
}

# The code of both functions.
resource "aws_s3_object" "bundle" {
  bucket      = var.bundle_bucket
  key         = "recovery.zip"
  source      = "${var.bundle_dir}/recovery.zip"
  source_hash = filebase64sha256("${var.bundle_dir}/recovery.zip")
}

module "redrive" {
  source = "../../terraform/modules/event-function"

  name_prefix          = var.name_prefix
  key                  = "redrive"
  description          = "Hands dead letters to their consumers again"
  bundle               = aws_s3_object.bundle
  handler              = "recovery.redrive.handler.redrive"
  account_id           = var.account_id
  log_retention_days   = var.log_retention_days
  live_alias           = var.live_alias
  permissions_boundary = var.permissions_boundary
  timeout_seconds      = 900  # the most Lambda gives: full queues take a while
  memory_mb            = 1024 # for a round of the largest messages

  environment = {
    CONSUMERS = jsonencode({
      for key in var.consumers : key => {
        function    = join(":", compact([var.functions[key].name, var.live_alias]))
        undelivered = aws_sqs_queue.undelivered[key].url
        failed      = aws_sqs_queue.failed[key].url
      }
    })
  }

  additional_statements = [
    {
      sid = "EmptyTheQueues"
      actions = [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility", # of a batch, too
      ]
      resources = local.queues[*].arn
    },
    {
      sid       = "InvokeTheConsumers"
      actions   = ["lambda:InvokeFunction"]
      resources = [for key in var.consumers : var.functions[key].invoke_arn]
    },
  ]
}

module "reconciler" {
  source = "../../terraform/modules/event-function"

  name_prefix          = var.name_prefix
  key                  = "reconciler"
  description          = "Announces orders again that stand still"
  bundle               = aws_s3_object.bundle
  handler              = "recovery.reconcile.handler.reconcile"
  account_id           = var.account_id
  log_retention_days   = var.log_retention_days
  live_alias           = var.live_alias
  permissions_boundary = var.permissions_boundary
  timeout_seconds      = local.run_every_minutes * 60 # over before the next run begins

  environment = {
    STUCK_AFTER_SECONDS = "900"
    RUN_EVERY_SECONDS   = tostring(local.run_every_minutes * 60)
    ORDERS_PER_RUN      = "2000" # some 40 ms each: well within the time limit
  }

  table = {
    name          = var.orders_table.name
    arn           = var.orders_table.arn
    actions       = ["GetItem"]
    query_indexes = ["open-orders"]
  }

  # The event order-api publishes, once more.
  publishes = {
    event_bus   = var.event_bus
    source      = "orderflow.order"
    detail_type = "OrderCreated"
  }
}

resource "aws_scheduler_schedule" "reconciler" {
  name                = "${var.name_prefix}-reconciler"
  description         = "Looks for orders that stand still"
  schedule_expression = "rate(${local.run_every_minutes} minutes)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.reconciler.function.invoke_arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode({})

    # A missed run is made good by the next one.
    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = local.run_every_minutes * 60
    }
  }

  depends_on = [
    aws_iam_role_policy.schedule,
    aws_lambda_function_event_invoke_config.reconciler,
    aws_lambda_function_event_invoke_config.live_reconciler,
  ]
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.name_prefix}-reconciler-schedule"
  description          = "Lets the schedule invoke the reconciler"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  name = "own-function"
  role = aws_iam_role.schedule.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "InvokeTheReconciler"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [module.reconciler.function.invoke_arn]
    }]
  })
}
