# The HTTP API in front of order-api: three routes, each open only to signed requests (SigV4).

resource "aws_apigatewayv2_api" "orders" {
  name          = "${var.name_prefix}-api"
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

  # A runaway client gets 429 before it costs money.
  default_route_settings {
    throttling_rate_limit  = 100 # requests a second
    throttling_burst_limit = 500
  }

  # No caller, address, path or query: paths hold order and customer ids, the route key does not.
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

# Under /aws/vendedlogs/, because API Gateway lists every other group it writes to in one
# policy of limited size.
resource "aws_cloudwatch_log_group" "api" {
  name              = "/aws/vendedlogs/${var.name_prefix}-api"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_permission" "api" {
  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = module.order_api.function.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.orders.execution_arn}/*"
}

# The alias' own, once there is one; it goes only when nobody needs it any more.
resource "aws_lambda_permission" "api_to_live" {
  count = var.live_alias == null ? 0 : 1

  statement_id  = "api-${var.live_alias}"
  action        = "lambda:InvokeFunction"
  function_name = module.order_api.function.name
  qualifier     = var.live_alias
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.orders.execution_arn}/*"

  lifecycle {
    create_before_destroy = true
  }
}
