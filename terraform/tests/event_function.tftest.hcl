# The module every function is made with, alone.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name_prefix        = "orderflow"
  key                = "payment"
  description        = "A function under test"
  bundle             = { bucket = "bundles", key = "payment_service.zip", source_hash = "hash" }
  handler            = "payment_service.handler.charge"
  account_id         = "123456789012"
  log_retention_days = 14

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
    error_message = "No boundary was asked for."
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
    error_message = "With neither table nor events a function may write its log and its traces, and nothing else."
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Lambda may assume the role for its own account only."
  }

  assert {
    condition = (
      aws_lambda_function.this.runtime == "python3.13"
      && aws_lambda_function.this.architectures == tolist(["arm64"])
      && one(aws_lambda_function.this.tracing_config).mode == "Active"
      && one(aws_lambda_function.this.logging_config).log_group == "/aws/lambda/orderflow-payment"
    )
    error_message = "Runtime, architecture, tracing or log group is another."
  }
}

run "without_failure_handling" {
  module {
    source = "./modules/event-function"
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
    error_message = "Another function's queue is none of this one's."
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
    error_message = "The target has no or another dead-letter queue."
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
    live_alias           = "live"
    permissions_boundary = "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
  }

  assert {
    condition = (
      aws_lambda_alias.live[0].name == "live"
      && aws_lambda_alias.live[0].function_name == "orderflow-payment"
      && aws_lambda_alias.live[0].function_version == "$LATEST"
    )
    error_message = "The alias is another, or not made with the newest code."
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.this[0].arn == aws_lambda_alias.live[0].arn
      && output.function.invoke_arn == aws_lambda_alias.live[0].arn
      && output.function.arn == aws_lambda_function.this.arn
    )
    error_message = "The rule, or somebody else, goes past the alias."
  }

  assert {
    condition = (
      aws_lambda_permission.rule_to_live[0].qualifier == "live"
      && aws_lambda_permission.rule_to_live[0].function_name == "orderflow-payment"
      && aws_lambda_permission.rule_to_live[0].source_arn == aws_cloudwatch_event_rule.this[0].arn
      && aws_lambda_permission.rule_to_live[0].principal == "events.amazonaws.com"
    )
    error_message = "Only the function's own rule may invoke the alias, and it must."
  }

  # Both stand in one policy on the local cloud, and both stand when the rule goes back.
  assert {
    condition = (
      aws_lambda_permission.rule[0].qualifier == null
      && aws_lambda_permission.rule[0].statement_id != aws_lambda_permission.rule_to_live[0].statement_id
    )
    error_message = "The function's own permission stays as it was, under its own id."
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
    live_alias = "live"
    consumes   = null
  }

  assert {
    condition     = length(aws_lambda_alias.live) == 1 && length(aws_lambda_permission.rule_to_live) == 0
    error_message = "No rule may invoke what consumes nothing."
  }
}
