# Stage 5: senders of the queues, retries, recovery, alarms.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stack = {
    name_prefix        = "orderflow"
    account_id         = "123456789012"
    bundle_dir         = "tests/bundles"
    bundle_bucket      = "bundles"
    log_retention_days = 14
    event_bus          = { name = "orderflow-bus", arn = "arn:aws:events:us-east-1:123456789012:event-bus/orderflow-bus" }
  }

  orders_table       = { name = "orderflow-orders", arn = "orders-arn" }
  monthly_budget_usd = 10
  consumers          = ["inventory", "payment"]

  steps = [
    { function = "payment", step = "payment-succeeded" },
    { function = "inventory", step = "stock-reserved" },
  ]

  functions = {
    order-api = { name = "orderflow-order-api", invoke_arn = "order-api-arn", role_name = "orderflow-order-api" }
    inventory = { name = "orderflow-inventory", invoke_arn = "inventory-arn", role_name = "orderflow-inventory", rule = { name = "orderflow-inventory" } }
    payment   = { name = "orderflow-payment", invoke_arn = "payment-arn", role_name = "orderflow-payment", rule = { name = "orderflow-payment" } }
  }
}

override_resource {
  target = aws_sqs_queue.undelivered["inventory"]
  values = { arn = "arn:aws:sqs:us-east-1:123456789012:inventory-undelivered" }
}

override_resource {
  target = aws_sqs_queue.failed["inventory"]
  values = { arn = "arn:aws:sqs:us-east-1:123456789012:inventory-failed" }
}

override_resource {
  target = aws_sqs_queue.undelivered["payment"]
  values = { arn = "arn:aws:sqs:us-east-1:123456789012:payment-undelivered" }
}

override_resource {
  target = aws_sqs_queue.failed["payment"]
  values = { arn = "arn:aws:sqs:us-east-1:123456789012:payment-failed" }
}

override_resource {
  target = module.reconciler.aws_lambda_function.this
  values = { arn = "arn:aws:lambda:us-east-1:123456789012:function:reconciler" }
}

run "on_aws" {
  module {
    source = "../05-errors-dlq/terraform"
  }

  assert {
    condition = alltrue([
      for queue in concat(values(aws_sqs_queue.undelivered), values(aws_sqs_queue.failed)) : (
        queue.sqs_managed_sse_enabled
        && queue.message_retention_seconds == 14 * 24 * 60 * 60
        && queue.visibility_timeout_seconds == 120
        && strcontains(queue.policy, "{\"Action\":\"sqs:*\",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}},\"Effect\":\"Deny\",\"Principal\":\"*\"")
      )
    ])
    error_message = "A queue is not encrypted, keeps messages for less than 14 days, or accepts plain HTTP."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.undelivered["payment"].policy).Statement : statement
      if statement.Action != "sqs:*"
      ] == [
      {
        Sid       = "AllowRule"
        Effect    = "Allow"
        Action    = "sqs:SendMessage"
        Principal = { Service = "events.amazonaws.com" }
        Resource  = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-undelivered"
        Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:events:us-east-1:123456789012:rule/orderflow-bus/orderflow-payment" } }
      },
      {
        Sid       = "DenyOtherSenders"
        Effect    = "Deny"
        Action    = "sqs:SendMessage"
        Principal = "*"
        Resource  = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-undelivered"
        Condition = { ArnNotEquals = { "aws:SourceArn" = "arn:aws:events:us-east-1:123456789012:rule/orderflow-bus/orderflow-payment" } }
      },
    ]
    error_message = "Only the consumer's rule may send to its queue of undelivered events."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.failed["payment"].policy).Statement : statement
      if statement.Action != "sqs:*"
      ] == [
      {
        Sid       = "DenyOtherSenders"
        Effect    = "Deny"
        Action    = "sqs:SendMessage"
        Principal = "*"
        Resource  = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-failed"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/orderflow-payment" } }
      },
    ]
    error_message = "Only the function's role may send to its queue of failed events."
  }

  assert {
    condition = alltrue([
      for key, config in aws_lambda_function_event_invoke_config.consumer : (
        config.function_name == "orderflow-${key}"
        && config.maximum_retry_attempts == 2
        && config.maximum_event_age_in_seconds == 3600
        && config.destination_config[0].on_failure[0].destination == "arn:aws:sqs:us-east-1:123456789012:${key}-failed"
        && aws_iam_role_policy.send_failed[key].role == "orderflow-${key}"
        && jsondecode(aws_iam_role_policy.send_failed[key].policy).Statement == [{
          Sid      = "SendOwnFailures"
          Effect   = "Allow"
          Action   = ["sqs:SendMessage"]
          Resource = ["arn:aws:sqs:us-east-1:123456789012:${key}-failed"]
        }]
      )
    ]) && keys(aws_lambda_function_event_invoke_config.consumer) == ["inventory", "payment"]
    error_message = "A consumer has other retries, or may not send to its own queue of failed events, or may send to another one."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.reconciler.maximum_retry_attempts == 0
      && length(aws_lambda_function_event_invoke_config.reconciler.destination_config) == 0
    )
    error_message = "The reconciler has no retries and no destination: the next run does the work."
  }

  assert {
    condition = (
      length(aws_lambda_function_event_invoke_config.live_consumer) + length(aws_lambda_function_event_invoke_config.live_reconciler) == 0
      && alltrue([for config in aws_lambda_function_event_invoke_config.consumer : config.qualifier == null])
      && aws_iam_role.schedule.permissions_boundary == null
    )
    error_message = "By default there is no alias and no boundary."
  }

  assert {
    condition = output.failure_handling == {
      for key in ["inventory", "payment"] : key => {
        dead_letter_queue_arn        = "arn:aws:sqs:us-east-1:123456789012:${key}-undelivered"
        maximum_retry_attempts       = 185
        maximum_event_age_in_seconds = 3600
      }
    }
    error_message = "A rule's target has another queue than that of undelivered events, or other retries."
  }

  assert {
    condition = [
      for statement in jsondecode(module.redrive.function.policy).Statement : {
        actions = statement.Action, resources = toset(statement.Resource)
      }
      if !contains(["WriteOwnLogs", "WriteTraces"], statement.Sid)
      ] == [
      {
        actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
        resources = toset([
          for name in ["inventory-undelivered", "inventory-failed", "payment-undelivered", "payment-failed"] :
          "arn:aws:sqs:us-east-1:123456789012:${name}"
        ])
      },
      {
        actions   = ["lambda:InvokeFunction"]
        resources = toset(["inventory-arn", "payment-arn"])
      },
    ]
    error_message = "The redrive may do exactly this: receive and delete dead letters, and invoke the consumers."
  }

  assert {
    condition = (
      aws_scheduler_schedule.reconciler.schedule_expression == "rate(5 minutes)"
      && aws_scheduler_schedule.reconciler.flexible_time_window[0].mode == "OFF"
      && aws_scheduler_schedule.reconciler.target[0].input == "{}"
      && aws_scheduler_schedule.reconciler.target[0].arn == "arn:aws:lambda:us-east-1:123456789012:function:reconciler"
      && jsondecode(aws_iam_role_policy.schedule.policy).Statement == [{
        Sid      = "InvokeReconciler"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = ["arn:aws:lambda:us-east-1:123456789012:function:reconciler"]
      }]
      && jsondecode(aws_iam_role.schedule.assume_role_policy).Statement[0].Principal == { Service = "scheduler.amazonaws.com" }
      && jsondecode(aws_iam_role.schedule.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    )
    error_message = "The schedule invokes the reconciler every 5 minutes, and its role may do nothing else."
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name => alarm.metric_name } == {
      orderflow-inventory-undelivered-waiting = "ApproximateNumberOfMessagesVisible"
      orderflow-inventory-undelivered-old     = "ApproximateAgeOfOldestMessage"
      orderflow-inventory-failed-waiting      = "ApproximateNumberOfMessagesVisible"
      orderflow-inventory-failed-old          = "ApproximateAgeOfOldestMessage"
      orderflow-payment-undelivered-waiting   = "ApproximateNumberOfMessagesVisible"
      orderflow-payment-undelivered-old       = "ApproximateAgeOfOldestMessage"
      orderflow-payment-failed-waiting        = "ApproximateNumberOfMessagesVisible"
      orderflow-payment-failed-old            = "ApproximateAgeOfOldestMessage"
      orderflow-inventory-errors              = "Errors"
      orderflow-inventory-throttles           = "Throttles"
      orderflow-inventory-dropped             = "AsyncEventsDropped"
      orderflow-inventory-lost-records        = "DestinationDeliveryFailures"
      orderflow-inventory-late                = "AsyncEventAge"
      orderflow-inventory-runs                = "Invocations"
      orderflow-payment-errors                = "Errors"
      orderflow-payment-throttles             = "Throttles"
      orderflow-payment-dropped               = "AsyncEventsDropped"
      orderflow-payment-lost-records          = "DestinationDeliveryFailures"
      orderflow-payment-late                  = "AsyncEventAge"
      orderflow-payment-runs                  = "Invocations"
      orderflow-order-api-errors              = "Errors"
      orderflow-order-api-throttles           = "Throttles"
      orderflow-redrive-errors                = "Errors"
      orderflow-redrive-throttles             = "Throttles"
      orderflow-reconciler-errors             = "Errors"
      orderflow-reconciler-throttles          = "Throttles"
      orderflow-inventory-undelivered         = "FailedInvocations"
      orderflow-inventory-lost-events         = "InvocationsFailedToBeSentToDlq"
      orderflow-payment-undelivered           = "FailedInvocations"
      orderflow-payment-lost-events           = "InvocationsFailedToBeSentToDlq"
      orderflow-reconciler-stuck              = "stuck"
      orderflow-reconciler-left-over          = "left_over"
      orderflow-reconciler-absent             = "Invocations"
    }
    error_message = "A queue, consumer, function or rule has an alarm too few or too many."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["payment-failed-old"].dimensions == tomap({ QueueName = "orderflow-payment-failed" })
      && aws_cloudwatch_metric_alarm.this["payment-late"].dimensions == tomap({ FunctionName = "orderflow-payment" })
      && aws_cloudwatch_metric_alarm.this["payment-undelivered"].dimensions == tomap({ EventBusName = "orderflow-bus", RuleName = "orderflow-payment" })
      && aws_cloudwatch_metric_alarm.this["reconciler-stuck"].dimensions == tomap({ service = "reconciler" })
    )
    error_message = "An alarm watches another resource than its name says."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : (
        alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])
        && alarm.treat_missing_data == (endswith(alarm.alarm_name, "-absent") ? "breaching" : "notBreaching")
      )
    ])
    error_message = "An alarm has no action, or missing data sets it off."
  }

  assert {
    condition = jsondecode(aws_sns_topic.alarms.policy).Statement == [{
      Sid       = "AllowAlarms"
      Effect    = "Allow"
      Action    = "sns:Publish"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Resource  = "arn:aws:sns:us-east-1:123456789012:orderflow-alarms"
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:orderflow-*" }
      }
    }]
    error_message = "Only this stack's alarms may publish to the topic."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) + length(aws_budgets_budget.monthly) == 0
    error_message = "Without an address there is no subscription and no budget."
  }

  assert {
    condition = (
      aws_cloudwatch_event_archive.this.retention_days == 14
      && jsondecode(aws_cloudwatch_event_archive.this.event_pattern) == { source = [{ prefix = "orderflow." }] }
    )
    error_message = "The archive keeps the events of all services for 14 days, as the queues do."
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      length(widget.properties.metrics) > 0 && widget.properties.region == "us-east-1"
    ])
    error_message = "A widget of the dashboard has no metrics."
  }

  assert {
    condition = [
      for metric in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.metrics :
      slice(metric, 0, 4)
      ] == [
      ["orderflow", "payment-succeeded", "service", "payment"],
      ["orderflow", "stock-reserved", "service", "inventory"],
    ]
    error_message = "The dashboard does not show the steps in the order of the stages."
  }
}

run "on_the_local_cloud_with_an_address" {
  command = plan

  module {
    source = "../05-errors-dlq/terraform"
  }

  variables {
    alarm_email = "somebody@example.com"
    stack       = merge(var.stack, { local = true })
  }

  assert {
    condition     = !strcontains(aws_sqs_queue.failed["payment"].policy, "SecureTransport")
    error_message = "The local cloud serves plain HTTP."
  }

  assert {
    condition = (
      aws_sns_topic_subscription.email[0].endpoint == "somebody@example.com"
      && aws_budgets_budget.monthly[0].limit_amount == "10"
      && [for each in aws_budgets_budget.monthly[0].notification : each.subscriber_email_addresses] == [toset(["somebody@example.com"]), toset(["somebody@example.com"])]
    )
    error_message = "The address gets alarms and budget warnings."
  }
}

run "beside_another_stack" {
  module {
    source = "../05-errors-dlq/terraform"
  }

  variables {
    stack = merge(var.stack, { name_prefix = "shop" })
  }

  assert {
    condition = alltrue([
      for metric in flatten([
        for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
          for metric in widget.properties.metrics : metric[0]
        ]
      ]) : metric == "shop" || startswith(metric, "AWS/")
    ])
    error_message = "The dashboard shows another stack's metrics."
  }

  assert {
    condition = toset([
      for key, alarm in aws_cloudwatch_metric_alarm.this : key if alarm.namespace == "shop"
    ]) == toset(["reconciler-stuck", "reconciler-left-over"])
    error_message = "The alarms on the reconciler's own metrics watch another stack."
  }
}

run "through_the_aliases" {
  module {
    source = "../05-errors-dlq/terraform"
  }

  variables {
    stack = merge(var.stack, {
      live_alias           = "live"
      permissions_boundary = "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
    })
  }

  assert {
    condition = (
      keys(aws_lambda_function_event_invoke_config.live_consumer) == ["inventory", "payment"]
      && alltrue([
        for key, config in aws_lambda_function_event_invoke_config.live_consumer : (
          config.qualifier == "live"
          && config.function_name == "orderflow-${key}"
          && config.maximum_retry_attempts == aws_lambda_function_event_invoke_config.consumer[key].maximum_retry_attempts
          && config.maximum_event_age_in_seconds == aws_lambda_function_event_invoke_config.consumer[key].maximum_event_age_in_seconds
          && config.destination_config == aws_lambda_function_event_invoke_config.consumer[key].destination_config
        )
      ])
    )
    error_message = "An alias has other retries or another destination than its function."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.live_reconciler[0].qualifier == "live"
      && aws_lambda_function_event_invoke_config.live_reconciler[0].function_name == "orderflow-reconciler"
      && aws_lambda_function_event_invoke_config.live_reconciler[0].maximum_retry_attempts == 0
      && aws_lambda_function_event_invoke_config.live_reconciler[0].maximum_event_age_in_seconds == 300
    )
    error_message = "The reconciler's alias has no retries: the next run does the work."
  }

  assert {
    condition = (
      alltrue([for config in aws_lambda_function_event_invoke_config.consumer : config.qualifier == null])
      && aws_lambda_function_event_invoke_config.reconciler.qualifier == null
    )
    error_message = "The settings of the functions themselves do not change."
  }

  assert {
    condition = (
      aws_scheduler_schedule.reconciler.target[0].arn == module.reconciler.function.invoke_arn
      && endswith(module.reconciler.function.invoke_arn, ":live")
      && jsondecode(aws_iam_role_policy.schedule.policy).Statement[0].Resource == [module.reconciler.function.invoke_arn]
    )
    error_message = "The schedule invokes only the alias."
  }

  assert {
    condition     = aws_iam_role.schedule.permissions_boundary == "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
    error_message = "The schedule's role has no boundary."
  }
}

run "with_a_buffer" {
  module {
    source = "../05-errors-dlq/terraform"
  }

  variables {
    functions = merge(var.functions, {
      payment = merge(var.functions.payment, {
        buffer = {
          name        = "orderflow-payment-buffer"
          unprocessed = { name = "orderflow-payment-unprocessed", arn = "unprocessed-arn", url = "unprocessed-url" }
        }
      })
    })
  }

  assert {
    condition = (
      output.dead_letter_queue_urls["payment"].unprocessed == "unprocessed-url"
      && keys(output.dead_letter_queue_urls["inventory"]) == ["failed", "undelivered"]
      && strcontains(module.redrive.function.policy, "unprocessed-arn")
    )
    error_message = "The redrive knows the dead letters of the buffer."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["payment-buffer-late"].dimensions == tomap({ QueueName = "orderflow-payment-buffer" })
      && aws_cloudwatch_metric_alarm.this["payment-buffer-late"].threshold == 600
      && aws_cloudwatch_metric_alarm.this["payment-unprocessed-waiting"].dimensions == tomap({ QueueName = "orderflow-payment-unprocessed" })
      && contains(keys(aws_cloudwatch_metric_alarm.this), "payment-unprocessed-old")
      && length([for name in keys(aws_cloudwatch_metric_alarm.this) : name if strcontains(name, "buffer") || strcontains(name, "unprocessed")]) == 3
    )
    error_message = "A buffer adds three alarms: on its oldest event, and two on its dead letters."
  }
}
