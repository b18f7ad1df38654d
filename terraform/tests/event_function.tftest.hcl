# The module of every function.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stack = {
    name_prefix        = "orderflow"
    account_id         = "123456789012"
    log_retention_days = 14
  }

  key         = "payment"
  description = "A function under test"
  bundle      = { bucket = "bundles", key = "payment_service.zip", source_hash = "hash" }
  handler     = "payment_service.handler.charge"

  consumes = {
    event_bus_name = "orderflow-bus"
    event_pattern  = "{\"source\": [\"orderflow.order\"]}"
  }
}

override_resource {
  target = aws_cloudwatch_log_group.this
  values = { arn = "log-group-arn" }
}

run "without_events_and_table" {
  module {
    source = "./modules/event-function"
  }

  variables {
    consumes = null
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.this) + length(aws_cloudwatch_event_target.this) + length(aws_lambda_permission.rule) == 0
    error_message = "A function that consumes nothing has no rule, target or permission."
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == null
    error_message = "By default there is no boundary."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement == [
      {
        Sid      = "WriteOwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["log-group-arn:*"]
      },
      {
        Sid      = "WriteTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = ["*"]
      },
    ]
    error_message = "Without a table and events, a function may only write its log and its traces."
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Lambda may assume the role only for its own account."
  }

  assert {
    condition = (
      aws_lambda_function.this.runtime == "python3.13"
      && aws_lambda_function.this.architectures == tolist(["arm64"])
      && one(aws_lambda_function.this.tracing_config).mode == "Active"
      && one(aws_lambda_function.this.logging_config).log_group == "/aws/lambda/orderflow-payment"
    )
    error_message = "Runtime, architecture, tracing or log group differs."
  }
}

run "without_failure_handling" {
  module {
    source = "./modules/event-function"
  }

  assert {
    condition = (
      length(aws_sqs_queue.buffer) + length(aws_sqs_queue.unprocessed) + length(aws_lambda_event_source_mapping.buffer) == 0
      && output.function.buffer == null
      && !strcontains(aws_iam_role_policy.this.policy, "sqs:")
    )
    error_message = "By default there is no buffer, and no permission for one."
  }

  assert {
    condition     = length(aws_cloudwatch_event_target.this[0].dead_letter_config) + length(aws_cloudwatch_event_target.this[0].retry_policy) == 0
    error_message = "By default a target has neither dead-letter queue nor retry policy."
  }

  assert {
    condition     = aws_lambda_permission.rule[0].source_arn == aws_cloudwatch_event_rule.this[0].arn
    error_message = "Only the function's own rule may invoke it."
  }

  assert {
    condition = (
      length(aws_lambda_alias.live) + length(aws_lambda_permission.rule_to_live) == 0
      && aws_cloudwatch_event_target.this[0].arn == aws_lambda_function.this.arn
      && output.function.invoke_arn == aws_lambda_function.this.arn
    )
    error_message = "Without an alias the function itself is invoked."
  }
}

run "with_another_functions_failure_handling" {
  module {
    source = "./modules/event-function"
  }

  variables {
    failure_handling = {
      shipping = {
        dead_letter_queue_arn        = "arn:aws:sqs:us-east-1:123456789012:orderflow-shipping"
        maximum_retry_attempts       = 1
        maximum_event_age_in_seconds = 60
      }
    }
  }

  assert {
    condition     = length(aws_cloudwatch_event_target.this[0].dead_letter_config) + length(aws_cloudwatch_event_target.this[0].retry_policy) == 0
    error_message = "Another function's entry must not change this function's target."
  }
}

run "with_failure_handling" {
  module {
    source = "./modules/event-function"
  }

  variables {
    failure_handling = {
      payment = {
        dead_letter_queue_arn        = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment"
        maximum_retry_attempts       = 4
        maximum_event_age_in_seconds = 3600
      }
    }
  }

  assert {
    condition     = one(aws_cloudwatch_event_target.this[0].dead_letter_config).arn == "arn:aws:sqs:us-east-1:123456789012:orderflow-payment"
    error_message = "The target does not have its dead-letter queue."
  }

  assert {
    condition = (
      one(aws_cloudwatch_event_target.this[0].retry_policy).maximum_retry_attempts == 4
      && one(aws_cloudwatch_event_target.this[0].retry_policy).maximum_event_age_in_seconds == 3600
    )
    error_message = "The target has another retry policy."
  }

  assert {
    condition     = output.function == run.without_failure_handling.function
    error_message = "Failure handling may change the target only."
  }
}

run "with_an_alias_and_a_boundary" {
  module {
    source = "./modules/event-function"
  }

  variables {
    stack = merge(var.stack, {
      live_alias           = "live"
      permissions_boundary = "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
    })
  }

  assert {
    condition = (
      aws_lambda_alias.live[0].name == "live"
      && aws_lambda_alias.live[0].function_name == "orderflow-payment"
      && aws_lambda_alias.live[0].function_version == "$LATEST"
    )
    error_message = "The alias has another name, function or version."
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.this[0].arn == aws_lambda_alias.live[0].arn
      && output.function.invoke_arn == aws_lambda_alias.live[0].arn
      && output.function.arn == aws_lambda_function.this.arn
    )
    error_message = "The rule and other callers invoke the alias, not the function."
  }

  assert {
    condition = (
      aws_lambda_permission.rule_to_live[0].qualifier == "live"
      && aws_lambda_permission.rule_to_live[0].function_name == "orderflow-payment"
      && aws_lambda_permission.rule_to_live[0].source_arn == aws_cloudwatch_event_rule.this[0].arn
      && aws_lambda_permission.rule_to_live[0].principal == "events.amazonaws.com"
    )
    error_message = "Exactly the function's own rule may invoke the alias."
  }

  # Both are in one policy on the local cloud, and both stay when the rule stops using the alias. A
  # second statement with the same id is refused. The alias' statement has a prefix, because old and new
  # exist at the same time.
  assert {
    condition = (
      aws_lambda_permission.rule[0].qualifier == null
      && aws_lambda_permission.rule[0].statement_id == "rule"
      && aws_lambda_permission.rule_to_live[0].statement_id_prefix == "rule-live-"
    )
    error_message = "The function's own permission does not change."
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
    error_message = "The role has no boundary."
  }
}

run "with_an_alias_and_without_events" {
  module {
    source = "./modules/event-function"
  }

  variables {
    stack    = merge(var.stack, { live_alias = "live" })
    consumes = null
  }

  assert {
    condition     = length(aws_lambda_alias.live) == 1 && length(aws_lambda_permission.rule_to_live) == 0
    error_message = "A function that consumes nothing has an alias, but no permission for a rule."
  }
}

run "with_a_buffer" {
  module {
    source = "./modules/event-function"
  }

  variables {
    stack           = merge(var.stack, { buffered = ["payment", "shipping"] })
    timeout_seconds = 20
    buffer          = { batch_window_seconds = 5, maximum_concurrency = 3 }
    failure_handling = {
      payment = {
        dead_letter_queue_arn        = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment"
        maximum_retry_attempts       = 4
        maximum_event_age_in_seconds = 3600
      }
    }
  }

  override_resource {
    target = aws_sqs_queue.buffer
    values = { arn = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-buffer", url = "buffer-url" }
  }

  override_resource {
    target = aws_sqs_queue.unprocessed
    values = { arn = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-unprocessed", url = "unprocessed-url" }
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.this[0].arn == aws_sqs_queue.buffer[0].arn
      && one(aws_cloudwatch_event_target.this[0].dead_letter_config).arn == "arn:aws:sqs:us-east-1:123456789012:orderflow-payment"
    )
    error_message = "The rule sends to the buffer; its dead-letter queue stays."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.buffer[0].event_source_arn == aws_sqs_queue.buffer[0].arn
      && aws_lambda_event_source_mapping.buffer[0].function_name == aws_lambda_function.this.arn
      && aws_lambda_event_source_mapping.buffer[0].batch_size == 10
      && aws_lambda_event_source_mapping.buffer[0].maximum_batching_window_in_seconds == 5
      && aws_lambda_event_source_mapping.buffer[0].function_response_types == toset(["ReportBatchItemFailures"])
      && one(aws_lambda_event_source_mapping.buffer[0].scaling_config).maximum_concurrency == 3
    )
    error_message = "The mapping has another queue, function, batch, response or concurrency."
  }

  assert {
    condition     = aws_sqs_queue.buffer[0].visibility_timeout_seconds == 6 * 20 + 5
    error_message = "The visibility timeout is six times the function's timeout, plus the batch window."
  }

  assert {
    condition = alltrue([
      for queue in [aws_sqs_queue.buffer[0], aws_sqs_queue.unprocessed[0]] : (
        queue.sqs_managed_sse_enabled
        && queue.message_retention_seconds == 14 * 24 * 60 * 60
        && strcontains(queue.policy, "{\"Action\":\"sqs:*\",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}},\"Effect\":\"Deny\",\"Principal\":\"*\"")
      )
    ])
    error_message = "A queue is not encrypted, keeps messages for less than 14 days, or accepts plain HTTP."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.buffer[0].redrive_policy) == {
      deadLetterTargetArn = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-unprocessed"
      maxReceiveCount     = 5
    }
    error_message = "After five receives, a message goes to the buffer's own dead-letter queue."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.unprocessed[0].redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = ["arn:aws:sqs:us-east-1:123456789012:orderflow-payment-buffer"]
    }
    error_message = "Only the buffer may use its dead-letter queue."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.buffer[0].policy).Statement : statement
      if statement.Action != "sqs:*"
      ] == [
      {
        Sid       = "AllowRule"
        Effect    = "Allow"
        Action    = "sqs:SendMessage"
        Principal = { Service = "events.amazonaws.com" }
        Resource  = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-buffer"
        Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:events:us-east-1:123456789012:rule/orderflow-bus/some-rule" } }
      },
      {
        Sid       = "DenyOtherSenders"
        Effect    = "Deny"
        Action    = "sqs:SendMessage"
        Principal = "*"
        Resource  = "arn:aws:sqs:us-east-1:123456789012:orderflow-payment-buffer"
        Condition = { ArnNotEquals = { "aws:SourceArn" = "arn:aws:events:us-east-1:123456789012:rule/orderflow-bus/some-rule" } }
      },
    ]
    error_message = "Only the function's rule may send to its buffer."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_sqs_queue.unprocessed[0].policy).Statement : statement.Sid
    ] == ["DenySenders", "DenyInsecureTransport"]
    error_message = "Nobody may send to the dead letters."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement
      if strcontains(jsonencode(statement.Action), "sqs:")
      ] == [{
        Sid      = "ConsumeOwnBuffer"
        Effect   = "Allow"
        Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = ["arn:aws:sqs:us-east-1:123456789012:orderflow-payment-buffer"]
    }]
    error_message = "The function may consume its own buffer, and use no other queue."
  }

  assert {
    condition = (
      output.function.buffer.url == "buffer-url"
      && output.function.buffer.unprocessed.url == "unprocessed-url"
      && length(aws_lambda_permission.rule) == 1
    )
    error_message = "The output has both queues, and the rule's permission stays for the day without a buffer."
  }
}

run "with_a_buffer_and_an_alias_on_the_local_cloud" {
  module {
    source = "./modules/event-function"
  }

  variables {
    stack = merge(var.stack, { buffered = ["payment"], live_alias = "live", local = true })
  }

  assert {
    condition     = aws_lambda_event_source_mapping.buffer[0].function_name == aws_lambda_alias.live[0].arn
    error_message = "The mapping invokes the alias."
  }

  assert {
    condition     = !strcontains(aws_sqs_queue.buffer[0].policy, "SecureTransport")
    error_message = "The local cloud serves plain HTTP only."
  }
}

run "with_another_functions_buffer" {
  module {
    source = "./modules/event-function"
  }

  variables {
    stack = merge(var.stack, { buffered = ["shipping"] })
  }

  assert {
    condition     = output.function == run.without_failure_handling.function
    error_message = "Another function's buffer must not change this function."
  }
}

run "with_buffer_settings_that_aws_refuses" {
  command = plan

  module {
    source = "./modules/event-function"
  }

  variables {
    buffer = { batch_size = 11, maximum_concurrency = 1, maximum_receives = 0 }
  }

  expect_failures = [var.buffer]
}
