# What is worth waking somebody for. alarms.json says what is watched on each kind of subject;
# here are the subjects, and whoever is told.

locals {
  alarm_kinds = jsondecode(file("${path.module}/alarms.json"))

  # Kind → subject → the dimensions of its metrics.
  alarm_subjects = {
    queue = merge(
      { for key, queue in local.undelivered : "${key}-undelivered" => { QueueName = queue.name } },
      { for key, queue in local.failed : "${key}-failed" => { QueueName = queue.name } },
    )
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
        EventBusName = var.event_bus.name # rules of every bus but the default one have both
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
        "${subject}-${name}" => merge(alarm, { dimensions = dimensions })
      }
    ]
  ])...)
}

# None on the local cloud: it reads alarms back without dimensions, period and statistic, so every
# plan would change all of them; and it looks at no dimension when it judges them.
resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = var.local ? {} : local.alarms

  alarm_name          = "${var.name_prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric_name
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.evaluation_periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing # most of these metrics exist only when something is wrong
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

# Not encrypted with a key of KMS: an alarm's text holds nothing personal, CloudWatch cannot use
# the key AWS manages for SNS, and one of our own costs a dollar a month.
resource "aws_sns_topic" "alarms" {
  name = "${var.name_prefix}-alarms"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisStack"
      Effect    = "Allow"
      Action    = "sns:Publish"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Resource  = "arn:${local.partition}:sns:${local.region}:${var.account_id}:${var.name_prefix}-alarms"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.region}:${var.account_id}:alarm:${var.name_prefix}-*" }
      }
    }]
  })
}

# SNS asks the address first whether it wants this.
resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

# Of the whole account: AWS can tell stacks apart by their tags only where somebody has made the
# tags known to billing.
resource "aws_budgets_budget" "monthly" {
  count = var.alarm_email == null ? 0 : 1

  name         = "${var.name_prefix}-monthly"
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
