# Stage 1's own: the API lets no unsigned request in and logs nothing personal.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name_prefix        = "orderflow"
  account_id         = "123456789012"
  bundle_dir         = "tests/bundles"
  log_retention_days = 14
}

run "api" {
  module {
    source = "../01-order-service/terraform"
  }

  assert {
    condition = { for key, route in aws_apigatewayv2_route.orders : key => route.authorization_type } == {
      "POST /orders"                        = "AWS_IAM"
      "GET /orders/{order_id}"              = "AWS_IAM"
      "GET /customers/{customer_id}/orders" = "AWS_IAM"
    }
    error_message = "The API has exactly three routes, all with AWS_IAM."
  }

  assert {
    condition = alltrue([
      for field in values(jsondecode(one(aws_apigatewayv2_stage.default.access_log_settings).format)) : contains([
        "$context.requestId", "$context.requestTime", "$context.routeKey", "$context.status",
        "$context.responseLength", "$context.responseLatency",
        "$context.integrationLatency", "$context.integrationStatus",
      ], field)
    ])
    error_message = "The access log holds a field that may tell who called or about whom."
  }

  assert {
    condition     = startswith(aws_lambda_permission.api.source_arn, "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/")
    error_message = "Only this API may invoke order-api."
  }
}
