# The HTTP API in front of order-api: three routes, which accept signed requests (SigV4) only.

resource "aws_apigatewayv2_api" "orders" {
  name          = "${var.stack.name_prefix}-api"
  description   = "Place orders and look them up"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "order_api" {
  api_id                 = aws_apigatewayv2_api.orders.id
  integration_type       = "AWS_PROXY"
  integration_uri        = module.order_api.function.invoke_arn
  payload_format_version = "2.0"

  depends_on = [aws_lambda_permission.api, aws_lambda_permission.api_to_live]
}

resource "aws_apigatewayv2_route" "orders" {
  for_each = toset([
    "POST /orders",
    "GET /orders/{order_id}",
    "GET /customers/{customer_id}/orders",
  ])

  api_id             = aws_apigatewayv2_api.orders.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.order_api.id}"
  authorization_type = "AWS_IAM"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.orders.id
  name        = "$default"
  auto_deploy = true

  # A client in a loop gets 429 before it costs money.
  default_route_settings {
    throttling_rate_limit  = 100 # requests a second
    throttling_burst_limit = 500
  }

  # No caller, IP address, path or query. Paths contain order and customer ids, the route key does not.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api.arn
    format = jsonencode({
      requestId          = "$context.requestId"
      requestTime        = "$context.requestTime"
      routeKey           = "$context.routeKey"
      status             = "$context.status"
      responseLength     = "$context.responseLength"
      responseLatency    = "$context.responseLatency"
      integrationLatency = "$context.integrationLatency"
      integrationStatus  = "$context.integrationStatus"
    })
  }
}

# Under /aws/vendedlogs/: API Gateway adds each other log group to one resource policy, which has a
# limited size.
resource "aws_cloudwatch_log_group" "api" {
  name              = "/aws/vendedlogs/${var.stack.name_prefix}-api"
  retention_in_days = var.stack.log_retention_days
}

resource "aws_lambda_permission" "api" {
  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = module.order_api.function.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.orders.execution_arn}/*"
}

# The alias has its own policy.
resource "aws_lambda_permission" "api_to_live" {
  count = var.stack.live_alias == null ? 0 : 1

  # A prefix: old and new exist at the same time, and Lambda refuses a second statement with the same id.
  statement_id_prefix = "api-${var.stack.live_alias}-"
  action              = "lambda:InvokeFunction"
  function_name       = module.order_api.function.name
  qualifier           = var.stack.live_alias
  principal           = "apigateway.amazonaws.com"
  source_arn          = "${aws_apigatewayv2_api.orders.execution_arn}/*"

  lifecycle {
    create_before_destroy = true
  }
}
