# From stage 6 on, all callers invoke the function through an alias. Terraform creates the alias for
# the newest code. Then a release moves it from version to version.
#
# create_before_destroy: without it, a return to stage 5 would delete the alias and its permission
# before the callers invoke the function itself.
#
# If somebody deletes an alias, Terraform creates it again for the newest code, released or not. So a
# release must follow the apply, as in `make deploy` and the pipeline.

resource "aws_lambda_alias" "live" {
  count = var.stack.live_alias == null ? 0 : 1

  name             = var.stack.live_alias
  function_name    = aws_lambda_function.this.function_name
  function_version = "$LATEST"

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [function_version, description, routing_config]
  }
}

# An alias has its own policy: a permission to invoke the function does not include the alias.
resource "aws_lambda_permission" "rule_to_live" {
  count = var.stack.live_alias == null || var.consumes == null ? 0 : 1

  # A prefix: old and new exist at the same time, and Lambda refuses a second statement with the same id.
  statement_id_prefix = "rule-${aws_lambda_alias.live[0].name}-"
  action              = "lambda:InvokeFunction"
  function_name       = aws_lambda_function.this.function_name
  qualifier           = aws_lambda_alias.live[0].name
  principal           = "events.amazonaws.com"
  source_arn          = aws_cloudwatch_event_rule.this[0].arn

  lifecycle {
    create_before_destroy = true
  }
}
