# One page to watch: orders on their way through the steps, each hop's time, what fails, what waits.

locals {
  # What the functions report (orderflow/step.py): one count for each step an order takes.
  funnel = [
    ["order-api", "order-created"],
    ["payment", "payment-succeeded"],
    ["payment", "payment-declined"],
    ["inventory", "stock-reserved"],
    ["inventory", "out-of-stock"],
    ["payment-refund", "payment-refunded"],
    ["shipping", "shipment-prepared"],
  ]

  # Metrics as CloudWatch wants them: namespace, name, dimensions, options.
  widgets = [
    {
      title = "Orders by step"
      metrics = [
        for step in local.funnel : ["orderflow", step[1], "service", step[0], { stat = "Sum", label = step[1] }]
      ]
    },
    {
      title = "Events that came again (the outcome was published once more)"
      metrics = [
        for key in var.consumers : ["orderflow", "repeated", "service", key, { stat = "Sum", label = key }]
      ]
    },
    {
      title = "From bus to function, ms"
      metrics = concat([
        for key in var.consumers : [
          for stat in ["p50", "p99"] :
          ["AWS/Events", "IngestionToInvocationSuccessLatency", "EventBusName", var.event_bus.name, "RuleName", var.functions[key].rule.name, { stat = stat, label = "${key} ${stat}" }]
        ]
      ]...)
    },
    {
      title = "In the function's queue at Lambda, ms"
      metrics = [
        for key in var.consumers :
        ["AWS/Lambda", "AsyncEventAge", "FunctionName", var.functions[key].name, { stat = "Maximum", label = key }]
      ]
    },
    {
      title = "In the function, ms"
      metrics = concat([
        for key, function in var.functions : [
          for stat in ["p50", "p99"] :
          ["AWS/Lambda", "Duration", "FunctionName", function.name, { stat = stat, label = "${key} ${stat}" }]
        ]
      ]...)
    },
    {
      title = "Errors and throttles (Lambda tries again)"
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
      title = "Orders that stand still, and that were announced again"
      metrics = [
        for name, stat in { stuck = "Maximum", announced = "Sum" } :
        ["orderflow", name, "service", "reconciler", { stat = stat, label = name }]
      ]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name_prefix

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
