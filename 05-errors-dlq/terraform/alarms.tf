# Alarms, their topic and the budget. alarms.json defines the alarms of each kind of subject; this
# file has the subjects.

locals {
  alarm_kinds = jsondecode(file("${path.module}/alarms.json"))

  # Kind → subject → the dimensions of its metrics.
  alarm_subjects = {
    queue = merge(
      { for key, queue in local.undelivered : "${key}-undelivered" => { QueueName = queue.name } },
      { for key, queue in local.failed : "${key}-failed" => { QueueName = queue.name } },
      { for key, buffer in local.buffers : "${key}-unprocessed" => { QueueName = buffer.unprocessed.name } },
    )
    buffer   = { for key, buffer in local.buffers : "${key}-buffer" => { QueueName = buffer.name } }
    consumer = { for key in var.consumers : key => { FunctionName = var.functions[key].name } }
    function = merge(
      {
        for key, function in var.functions : key => { FunctionName = function.name }
        if !contains(var.consumers, key)
      },
      {
        redrive    = { FunctionName = module.redrive.function.name }
        reconciler = { FunctionName = module.reconciler.function.name }
      },
    )
    rule = {
      for key in var.consumers : key => {
        EventBusName = var.stack.event_bus.name # metrics of a custom bus have both dimensions
        RuleName     = var.functions[key].rule.name
      }
    }
    reconciler = { reconciler = { service = "reconciler" } }
    schedule   = { reconciler = { FunctionName = module.reconciler.function.name } }
  }

  alarms = merge(flatten([
    for kind, subjects in local.alarm_subjects : [
      for subject, dimensions in subjects : {
        for name, alarm in local.alarm_kinds[kind] :
        "${subject}-${name}" => merge(alarm, {
          dimensions = dimensions
          namespace  = alarm.namespace == null ? var.stack.name_prefix : alarm.namespace # null: the functions' own metrics
        })
      }
    ]
  ])...)
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.stack.name_prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric_name
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.evaluation_periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing # most of these metrics exist only when something fails
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

# No KMS key: an alarm's text has no personal data, CloudWatch cannot use the key that AWS manages
# for SNS, and a customer managed key costs a dollar a month.
resource "aws_sns_topic" "alarms" {
  name = "${var.stack.name_prefix}-alarms"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AllowAlarms"
      Effect    = "Allow"
      Action    = "sns:Publish"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Resource  = "arn:${local.partition}:sns:${local.region}:${var.stack.account_id}:${var.stack.name_prefix}-alarms"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.stack.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.region}:${var.stack.account_id}:alarm:${var.stack.name_prefix}-*" }
      }
    }]
  })
}

# SNS first sends a request for confirmation to the address.
resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

# For the whole account: AWS filters costs by tag only if the tag is activated for billing.
resource "aws_budgets_budget" "monthly" {
  count = var.alarm_email == null ? 0 : 1

  name         = "${var.stack.name_prefix}-monthly"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"

  dynamic "notification" {
    for_each = ["FORECASTED", "ACTUAL"]
    content {
      notification_type          = notification.value
      comparison_operator        = "GREATER_THAN"
      threshold                  = 100
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = [var.alarm_email]
    }
  }
}
