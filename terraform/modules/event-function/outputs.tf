# The target is left out on purpose: it depends on the dead-letter queue, and
# whoever makes that queue reads these outputs.
output "function" {
  description = "The function's name, arn, invoke_arn (its alias', if it has one: what others invoke), role_name, log_group_name, timeout_seconds, policy (JSON) and rule (name, arn and pattern; null when it consumes no events)"
  value = {
    name            = aws_lambda_function.this.function_name
    arn             = aws_lambda_function.this.arn
    invoke_arn      = local.invoke_arn
    role_name       = aws_iam_role.this.name
    log_group_name  = aws_cloudwatch_log_group.this.name
    timeout_seconds = aws_lambda_function.this.timeout
    policy          = aws_iam_role_policy.this.policy
    rule = one([for rule in aws_cloudwatch_event_rule.this : {
      name    = rule.name
      arn     = rule.arn
      pattern = rule.event_pattern
    }])
  }
}
