# Stage 1: the API accepts signed requests only and logs no personal data.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stack = {
    name_prefix        = "orderflow"
    account_id         = "123456789012"
    bundle_dir         = "tests/bundles"
    log_retention_days = 14
  }
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
    error_message = "The access log has a field that could identify the caller or the customer."
  }

  assert {
    condition     = startswith(aws_lambda_permission.api.source_arn, "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/")
    error_message = "Only this API may invoke order-api."
  }

  assert {
    condition = (
      aws_apigatewayv2_integration.order_api.integration_uri == module.order_api.function.arn
      && length(aws_lambda_permission.api_to_live) == 0
    )
    error_message = "Without an alias the API invokes the function itself."
  }
}

run "api_through_the_alias" {
  module {
    source = "../01-order-service/terraform"
  }

  variables {
    stack = merge(var.stack, {
      live_alias           = "live"
      permissions_boundary = "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
    })
  }

  assert {
    condition = (
      aws_apigatewayv2_integration.order_api.integration_uri == module.order_api.function.invoke_arn
      && module.order_api.function.invoke_arn != module.order_api.function.arn
    )
    error_message = "The API does not invoke the alias."
  }

  assert {
    condition = (
      aws_lambda_permission.api_to_live[0].qualifier == "live"
      && aws_lambda_permission.api_to_live[0].function_name == "orderflow-order-api"
      && aws_lambda_permission.api_to_live[0].source_arn == aws_lambda_permission.api.source_arn
      && aws_lambda_permission.api_to_live[0].principal == "apigateway.amazonaws.com"
      && aws_lambda_permission.api_to_live[0].statement_id_prefix == "api-live-"
      && aws_lambda_permission.api.statement_id == "api"
      && aws_lambda_permission.api.qualifier == null
    )
    error_message = "Only this API may invoke the alias; the function's own permission does not change."
  }
}
