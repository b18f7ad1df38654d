# An invalid value is refused before the plan.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  bundle_dir = "tests/bundles"
}

run "too_little" {
  command = plan

  variables {
    stage              = 0
    name_prefix        = "o"
    region             = ""
    log_retention_days = 0
    monthly_budget_usd = 0
    alarm_email        = "somebody@home"
    local              = { endpoint_url = "127.0.0.1:4566" }

    permissions_boundary = "boundary-orderflow"
  }

  expect_failures = [
    var.stage,
    var.name_prefix,
    var.region,
    var.log_retention_days,
    var.monthly_budget_usd,
    var.alarm_email,
    var.local,
    var.permissions_boundary,
  ]
}

run "too_much" {
  command = plan

  variables {
    stage              = 7
    name_prefix        = "abcdefghijklmnopqrstu"
    region             = "us-east-1a"
    log_retention_days = 10000
    alarm_email        = "somebody@example.com, other@example.com"
    local              = { endpoint_url = "http://127.0.0.1:4566/" }

    permissions_boundary = "arn:aws:iam::123456789012:role/boundary-orderflow"
  }

  expect_failures = [
    var.stage,
    var.name_prefix,
    var.region,
    var.log_retention_days,
    var.alarm_email,
    var.local,
    var.permissions_boundary,
  ]
}

run "something_else" {
  command = plan

  variables {
    stage              = 1.5
    name_prefix        = "Order_Flow-"
    region             = "Frankfurt"
    log_retention_days = 10
  }

  expect_failures = [
    var.stage,
    var.name_prefix,
    var.region,
    var.log_retention_days,
  ]
}
