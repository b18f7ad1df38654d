# Without the target: it depends on the dead-letter queue, and the module of that queue reads this output.
output "function" {
  description = "The function's name, arn, invoke_arn (of its alias, if it has one), role_name, log_group_name, timeout_seconds, policy (JSON), steps (of the events it publishes), rule (name, arn and pattern; null if it consumes no events) and buffer (the queue between rule and function, and the queue of its dead letters; null if there is none)"
  value = {
    name            = aws_lambda_function.this.function_name
    arn             = aws_lambda_function.this.arn
    invoke_arn      = local.invoke_arn
    role_name       = aws_iam_role.this.name
    log_group_name  = aws_cloudwatch_log_group.this.name
    timeout_seconds = aws_lambda_function.this.timeout
    policy          = aws_iam_role_policy.this.policy
    steps           = var.steps
    rule = one([for rule in aws_cloudwatch_event_rule.this : {
      name    = rule.name
      arn     = rule.arn
      pattern = rule.event_pattern
    }])
    # Of the same type with and without a buffer, so that functions can be in one map.
    buffer = !local.buffered ? null : {
      name = local.buffer_names.queue
      url  = tostring(one(aws_sqs_queue.buffer[*].url))
      unprocessed = {
        name = local.buffer_names.unprocessed
        arn  = tostring(one(aws_sqs_queue.unprocessed[*].arn))
        url  = tostring(one(aws_sqs_queue.unprocessed[*].url))
      }
    }
  }
}
