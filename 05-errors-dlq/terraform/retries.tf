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
