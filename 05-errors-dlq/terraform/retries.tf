# The retries before an event becomes a dead letter: EventBridge retries until Lambda accepts the
# event (outputs.tf has these settings for the targets). Lambda retries until the function succeeds.

locals {
  # Retries end after an hour. Then a person should look at the event.
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

  depends_on = [aws_iam_role_policy.send_failed] # Lambda checks that the role has the permission
}

# An invocation through an alias uses the alias' own settings. Terraform destroys them last, as the alias.
resource "aws_lambda_function_event_invoke_config" "live_consumer" {
  for_each = var.stack.live_alias == null ? [] : var.consumers

  function_name                = var.functions[each.key].name
  qualifier                    = var.stack.live_alias
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

# Lambda uses the function's own role to send a failure record.
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

# No retries and no destination: the next run does what this one did not, and a retry would run in
# parallel with it.
resource "aws_lambda_function_event_invoke_config" "reconciler" {
  function_name                = module.reconciler.function.name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = local.run_every_minutes * 60
}

resource "aws_lambda_function_event_invoke_config" "live_reconciler" {
  count = var.stack.live_alias == null ? 0 : 1

  function_name                = module.reconciler.function.name
  qualifier                    = var.stack.live_alias
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = local.run_every_minutes * 60

  lifecycle {
    create_before_destroy = true
  }
}
