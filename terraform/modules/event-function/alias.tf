# From stage 6 on all invoke the function through an alias. Terraform makes it, pointing to the
# newest code; from then on a release moves it, from version to version.
#
# create_before_destroy, without which a step back would remove the alias and its permission
# first, and only then turn to the function those who invoke it.

resource "aws_lambda_alias" "live" {
  count = var.live_alias == null ? 0 : 1

  name             = var.live_alias
  function_name    = aws_lambda_function.this.function_name
  function_version = "$LATEST"

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [function_version, description, routing_config]
  }
}

# An alias has a policy of its own: who may invoke the function may not yet invoke the alias.
resource "aws_lambda_permission" "rule_to_live" {
  count = var.live_alias == null || var.consumes == null ? 0 : 1

  statement_id  = "rule-${aws_lambda_alias.live[0].name}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live[0].name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[0].arn

  lifecycle {
    create_before_destroy = true
  }
}
