# One page of metrics: orders per step, the time of each hop, errors, and dead letters.

locals {
  # Metrics in CloudWatch's format: namespace, name, dimensions, options.
  widgets = [
    {
      title = "Orders by step"
      metrics = [
        for each in var.steps : [var.stack.name_prefix, each.step, "service", each.function, { stat = "Sum", label = each.step }]
      ]
    },
    {
      title = "Repeated events (the stored outcome was published again)"
      metrics = [
        for key in var.consumers : [var.stack.name_prefix, "repeated", "service", key, { stat = "Sum", label = key }]
      ]
    },
    {
      title = "Bus to function, ms"
      metrics = concat([
        for key in var.consumers : [
          for stat in ["p50", "p99"] :
          ["AWS/Events", "IngestionToInvocationSuccessLatency", "EventBusName", var.stack.event_bus.name, "RuleName", var.functions[key].rule.name, { stat = stat, label = "${key} ${stat}" }]
        ]
      ]...)
    },
    {
      title = "Wait in Lambda's queue, ms"
      metrics = [
        for key in var.consumers :
        ["AWS/Lambda", "AsyncEventAge", "FunctionName", var.functions[key].name, { stat = "Maximum", label = key }]
      ]
    },
    {
      title = "Function duration, ms"
      metrics = concat([
        for key, function in var.functions : [
          for stat in ["p50", "p99"] :
          ["AWS/Lambda", "Duration", "FunctionName", function.name, { stat = stat, label = "${key} ${stat}" }]
        ]
      ]...)
    },
    {
      title = "Errors and throttles (Lambda retries)"
      metrics = concat([
        for key, function in var.functions : [
          for metric in ["Errors", "Throttles"] :
          ["AWS/Lambda", metric, "FunctionName", function.name, { stat = "Sum", label = "${key} ${metric}" }]
        ]
      ]...)
    },
    {
      title = "Dead letters"
      metrics = [
        for queue in local.queues :
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name, { stat = "Maximum", label = queue.name }]
      ]
    },
    {
      title = "Age of the oldest dead letter, s"
      metrics = [
        for queue in local.queues :
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue.name, { stat = "Maximum", label = queue.name }]
      ]
    },
    {
      title = "Stalled orders, and re-published events"
      metrics = [
        for name, stat in { stuck = "Maximum", republished = "Sum" } :
        [var.stack.name_prefix, name, "service", "reconciler", { stat = stat, label = name }]
      ]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.stack.name_prefix

  dashboard_body = jsonencode({
    widgets = [
      for place, widget in local.widgets : {
        type   = "metric"
        x      = 12 * (place % 2) # two beside each other
        y      = 6 * floor(place / 2)
        width  = 12
        height = 6
        properties = {
          title   = widget.title
          region  = local.region
          view    = "timeSeries"
          period  = 300
          metrics = widget.metrics
        }
      }
    ]
  })
}
