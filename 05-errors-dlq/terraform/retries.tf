# What is tried before an event becomes a dead letter: by EventBridge until Lambda has taken it
# (outputs.tf gives these to the rules' targets), by Lambda until the function has done it.

locals {
  # How long an event may still be new: past an hour a person should look at it.
  event_age_seconds = 60 * 60
}

resource "aws_lambda_function_event_invoke_config" "consumer" {
  for_each = var.consumers

  function_name                = var.functions[each.key].name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = local.event_age_seconds

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed[each.key].arn
    }
  }

  depends_on = [aws_iam_role_policy.send_failed] # Lambda asks whether the role may
}

# What is asked of an alias follows the alias' own settings. They go last, as the alias itself.
resource "aws_lambda_function_event_invoke_config" "live_consumer" {
  for_each = var.live_alias == null ? [] : var.consumers

  function_name                = var.functions[each.key].name
  qualifier                    = var.live_alias
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = local.event_age_seconds

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed[each.key].arn
    }
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_iam_role_policy.send_failed]
}

# Lambda sends a failure record with the function's own role.
resource "aws_iam_role_policy" "send_failed" {
  for_each = var.consumers

  name = "own-failures"
  role = var.functions[each.key].role_name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "SendOwnFailures"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = [aws_sqs_queue.failed[each.key].arn]
    }]
  })
}

# Neither retries nor a destination: the next run does all that this one did not, and a retry
# would only run beside it.
resource "aws_lambda_function_event_invoke_config" "reconciler" {
  function_name                = module.reconciler.function.name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = local.run_every_minutes * 60
}

resource "aws_lambda_function_event_invoke_config" "live_reconciler" {
  count = var.live_alias == null ? 0 : 1

  function_name                = module.reconciler.function.name
  qualifier                    = var.live_alias
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = local.run_every_minutes * 60

  lifecycle {
    create_before_destroy = true
  }
}
