# Stage 5's own: who may fill a queue, what is tried before, who brings it back, who is told.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name_prefix        = "orderflow"
  account_id         = "123456789012"
  bundle_dir         = "tests/bundles"
  bundle_bucket      = "bundles"
  log_retention_days = 14
  event_bus          = { name = "orderflow-bus", arn = "arn:aws:events:us-east-1:123456789012:event-bus/orderflow-bus" }
  orders_table       = { name = "orderflow-orders", arn = "orders-arn" }
  monthly_budget_usd = 10
  consumers          = ["inventory", "payment"]

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
    error_message = "A queue is not encrypted, forgets before 14 days, or lets plain http in."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.undelivered["payment"].policy).Statement : statement
      if statement.Action != "sqs:*"
      ] == [
      {
        Sid       = "ItsRuleSends"
        Effect    = "Allow"
        Action    = "sqs:SendMessage"
        Principal = { Service = "events.amazonaws.com" }
        Resource  = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-undelivered"
        Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:events:us-east-1:123456789012:rule/orderflow-bus/orderflow-payment" } }
      },
      {
        Sid       = "NobodyElseSends"
        Effect    = "Deny"
        Action    = "sqs:SendMessage"
        Principal = "*"
        Resource  = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-undelivered"
        Condition = { ArnNotEquals = { "aws:SourceArn" = "arn:aws:events:us-east-1:123456789012:rule/orderflow-bus/orderflow-payment" } }
      },
    ]
    error_message = "Only its rule may fill a queue of undelivered events."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.failed["payment"].policy).Statement : statement
      if statement.Action != "sqs:*"
      ] == [
      {
        Sid       = "NobodyElseSends"
        Effect    = "Deny"
        Action    = "sqs:SendMessage"
        Principal = "*"
        Resource  = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-failed"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::123456789012:role/orderflow-payment" } }
      },
    ]
    error_message = "Only its function's role may fill a queue of failed events."
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
    error_message = "A consumer is retried otherwise, or may not fill its own queue of failed events, or another one."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.reconciler.maximum_retry_attempts == 0
      && length(aws_lambda_function_event_invoke_config.reconciler.destination_config) == 0
    )
    error_message = "A failed run of the reconciler is the next run's business."
  }

  assert {
    condition = (
      length(aws_lambda_function_event_invoke_config.live_consumer) + length(aws_lambda_function_event_invoke_config.live_reconciler) == 0
      && alltrue([for config in aws_lambda_function_event_invoke_config.consumer : config.qualifier == null])
      && aws_iam_role.schedule.permissions_boundary == null
    )
    error_message = "There is neither an alias nor a boundary unless asked for."
  }

  assert {
    condition = output.failure_handling == {
      for key in ["inventory", "payment"] : key => {
        dead_letter_queue_arn        = "arn:aws:sqs:us-east-1:123456789012:${key}-undelivered"
        maximum_retry_attempts       = 185
        maximum_event_age_in_seconds = 3600
      }
    }
    error_message = "A rule's target gets another queue than that of undelivered events, or other retries."
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
    error_message = "The redrive may do more than empty its queues and invoke the consumers, or less."
  }

  assert {
    condition = (
      aws_scheduler_schedule.reconciler.schedule_expression == "rate(5 minutes)"
      && aws_scheduler_schedule.reconciler.flexible_time_window[0].mode == "OFF"
      && aws_scheduler_schedule.reconciler.target[0].input == "{}"
      && aws_scheduler_schedule.reconciler.target[0].arn == "arn:aws:lambda:us-east-1:123456789012:function:reconciler"
      && jsondecode(aws_iam_role_policy.schedule.policy).Statement == [{
        Sid      = "InvokeTheReconciler"
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
      orderflow-payment-errors                = "Errors"
      orderflow-payment-throttles             = "Throttles"
      orderflow-payment-dropped               = "AsyncEventsDropped"
      orderflow-payment-lost-records          = "DestinationDeliveryFailures"
      orderflow-payment-late                  = "AsyncEventAge"
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
    error_message = "A queue, consumer, function or rule lacks an alarm, or has one more."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["payment-failed-old"].dimensions == tomap({ QueueName = "orderflow-payment-failed" })
      && aws_cloudwatch_metric_alarm.this["payment-late"].dimensions == tomap({ FunctionName = "orderflow-payment" })
      && aws_cloudwatch_metric_alarm.this["payment-undelivered"].dimensions == tomap({ EventBusName = "orderflow-bus", RuleName = "orderflow-payment" })
      && aws_cloudwatch_metric_alarm.this["reconciler-stuck"].dimensions == tomap({ service = "reconciler" })
    )
    error_message = "An alarm watches another subject than its name says."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this : (
        alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])
        && alarm.treat_missing_data == (endswith(alarm.alarm_name, "-absent") ? "breaching" : "notBreaching")
      )
    ])
    error_message = "An alarm tells nobody, or rings because nothing happens."
  }

  assert {
    condition = jsondecode(aws_sns_topic.alarms.policy).Statement == [{
      Sid       = "AlarmsOfThisStack"
      Effect    = "Allow"
      Action    = "sns:Publish"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Resource  = "arn:aws:sns:us-east-1:123456789012:orderflow-alarms"
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:orderflow-*" }
      }
    }]
    error_message = "Only this stack's alarms may speak through the topic."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) + length(aws_budgets_budget.monthly) == 0
    error_message = "Without an address nobody is written to."
  }

  assert {
    condition = (
      aws_cloudwatch_event_archive.this.retention_days == 14
      && jsondecode(aws_cloudwatch_event_archive.this.event_pattern) == {
        source = jsondecode(file("../01-order-service/terraform/patterns/order-tracker.json")).source
      }
    )
    error_message = "The archive keeps the events of all four services for 14 days, as the queues keep theirs."
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      length(widget.properties.metrics) > 0 && widget.properties.region == "us-east-1"
    ])
    error_message = "A part of the dashboard shows nothing."
  }
}

run "with_an_address_on_the_local_cloud" {
  command = plan

  module {
    source = "../05-errors-dlq/terraform"
  }

  variables {
    alarm_email = "somebody@example.com"
    local       = true
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 0
    error_message = "The local cloud cannot keep alarms as they are."
  }

  assert {
    condition     = !strcontains(aws_sqs_queue.failed["payment"].policy, "SecureTransport")
    error_message = "The local cloud speaks plain http."
  }

  assert {
    condition = (
      aws_sns_topic_subscription.email[0].endpoint == "somebody@example.com"
      && aws_budgets_budget.monthly[0].limit_amount == "10"
      && [for each in aws_budgets_budget.monthly[0].notification : each.subscriber_email_addresses] == [toset(["somebody@example.com"]), toset(["somebody@example.com"])]
    )
    error_message = "The address is told of alarms, and of costs above the budget."
  }
}

run "through_the_aliases" {
  module {
    source = "../05-errors-dlq/terraform"
  }

  variables {
    live_alias           = "live"
    permissions_boundary = "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
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
    error_message = "What fails behind an alias is tried otherwise, or ends elsewhere, than what fails without."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.live_reconciler[0].qualifier == "live"
      && aws_lambda_function_event_invoke_config.live_reconciler[0].function_name == "orderflow-reconciler"
      && aws_lambda_function_event_invoke_config.live_reconciler[0].maximum_retry_attempts == 0
      && aws_lambda_function_event_invoke_config.live_reconciler[0].maximum_event_age_in_seconds == 300
    )
    error_message = "A failed run of the reconciler is the next run's business, behind the alias, too."
  }

  assert {
    condition = (
      alltrue([for config in aws_lambda_function_event_invoke_config.consumer : config.qualifier == null])
      && aws_lambda_function_event_invoke_config.reconciler.qualifier == null
    )
    error_message = "The functions' own settings stay as they were."
  }

  assert {
    condition = (
      aws_scheduler_schedule.reconciler.target[0].arn == module.reconciler.function.invoke_arn
      && endswith(module.reconciler.function.invoke_arn, ":live")
      && jsondecode(aws_iam_role_policy.schedule.policy).Statement[0].Resource == [module.reconciler.function.invoke_arn]
    )
    error_message = "The schedule goes past the alias, or may do more."
  }

  assert {
    condition     = aws_iam_role.schedule.permissions_boundary == "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
    error_message = "The schedule's role has no boundary."
  }
}
