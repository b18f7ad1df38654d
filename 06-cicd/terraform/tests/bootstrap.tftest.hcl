# What the bootstrap promises for an account, as far as a mock can check it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name_prefix   = "orderflow"
  region        = "us-east-1"
  repository    = "acme/shop"
  owner_id      = 11
  repository_id = 22
  names = {
    state_bucket = "tfstate-orderflow-123456789012-us-east-1"
    plan_role    = "github-orderflow-plan"
    deploy_role  = "github-orderflow-deploy"
    boundary     = "boundary-orderflow"
    path         = "/bootstrap/"
  }
}

run "state_is_versioned_encrypted_and_private" {
  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "A damaged state could not be recovered."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The state is not encrypted."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls,
      aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls,
      aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "The state could be made public."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.state[0].policy).Statement == [{
      Sid       = "DenyInsecureTransport"
      Effect    = "Deny"
      Action    = "s3:*"
      Principal = "*"
      Resource  = ["arn:aws:s3:::tfstate-orderflow-123456789012-us-east-1", "arn:aws:s3:::tfstate-orderflow-123456789012-us-east-1/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "The bucket accepts plain HTTP, or its policy allows more than it should."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.state.rule : (
        one(rule.filter).prefix == "_plans/"
        && one(rule.expiration).days == 30
        && one(rule.noncurrent_version_expiration).noncurrent_days == 1
      ) if length(rule.expiration) + length(rule.noncurrent_version_expiration) > 0
    ])
    error_message = "Plans do not expire, or something else expires."
  }

  assert {
    condition     = aws_s3_bucket.state.force_destroy == false
    error_message = "A destroy would delete the state."
  }
}

run "trust_policies_compare_whole_claims" {
  assert {
    condition = alltrue([
      for policy in output.trust_policies :
      jsondecode(policy).Statement[*].Effect == ["Allow"]
      && keys(jsondecode(policy).Statement[0].Condition) == ["StringEquals"]
      && keys(jsondecode(policy).Statement[0].Condition.StringEquals) == [
        "token.actions.githubusercontent.com:aud",
        "token.actions.githubusercontent.com:sub",
      ]
      && jsondecode(policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
      && !strcontains(policy, "*")
    ])
    error_message = "A trust policy compares something other than the whole aud and sub."
  }

  assert {
    condition = jsondecode(output.trust_policies.plan).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == [
      "repo:acme/shop:pull_request",
      "repo:acme/shop:ref:refs/heads/main",
      "repo:acme@11/shop@22:pull_request",
      "repo:acme@11/shop@22:ref:refs/heads/main",
    ]
    error_message = "Exactly pull requests and main may plan."
  }

  assert {
    condition = jsondecode(output.trust_policies.deploy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == [
      "repo:acme/shop:environment:production",
      "repo:acme@11/shop@22:environment:production",
    ]
    error_message = "Exactly the environment production may deploy."
  }
}

run "plan_role_only_reads" {
  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : [
        for action in statement.Action :
        statement.Effect == "Allow" && can(regex("^[a-z0-9]+:(GET|Describe|Get|List|ViewBudget)[A-Za-z]*$", action))
      ] if statement.Sid != "StorePlans"
    ]))
    error_message = "The plan role has permissions to change something."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement
      if statement.Sid == "StorePlans"
      ] == [{
        Sid      = "StorePlans"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["arn:aws:s3:::tfstate-orderflow-123456789012-us-east-1/_plans/*"]
    }]
    error_message = "The plan role may write something other than a plan."
  }

  assert {
    condition = length(setintersection(
      flatten(jsondecode(aws_iam_role_policy.plan.policy).Statement[*].Action),
      ["dynamodb:GetItem", "dynamodb:GetRecords", "logs:GetLogEvents", "sqs:ReceiveMessage"],
    )) == 0
    error_message = "The plan role may read data."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Sid
      if contains(statement.Resource, "*")
    ] == ["ReadUnscopable"]
    error_message = "A statement of the plan role covers all resources."
  }
}

run "deploy_role_creates_roles_only_with_the_boundary" {
  assert {
    condition = [
      for statement in local.role_statements : statement
      if statement.Effect == "Allow" && length(setintersection(
        try(statement.Action, []),
        ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"],
      )) > 0
      ] == [{
        Sid       = "ChangeRolesWithinBoundary"
        Effect    = "Allow"
        Action    = ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
        Resource  = ["arn:aws:iam::123456789012:role/orderflow-*"]
        Condition = { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow" } }
    }]
    error_message = "The deploy role may create a role without the boundary."
  }

  assert {
    condition = length(setintersection(
      flatten([
        for statement in concat(local.role_statements, local.change_statements, local.api_statements) :
        try(statement.Action, []) if statement.Effect == "Allow"
      ]),
      [
        "iam:*", "iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:CreateAccessKey", "iam:CreatePolicy",
        "iam:CreatePolicyVersion", "iam:CreateUser", "iam:DeleteRolePermissionsBoundary", "lambda:CreateFunctionUrlConfig",
      ],
    )) == 0
    error_message = "The deploy role has a way around the boundary."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.boundary.policy, "iam:") && !strcontains(aws_iam_policy.boundary.policy, ":*\"]")
    error_message = "The boundary allows a function to use IAM."
  }
}

run "existing_oidc_provider_is_used" {
  variables {
    has_oidc_provider = true
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "An account can have only one OIDC provider for GitHub."
  }

  assert {
    condition     = jsondecode(output.trust_policies.deploy).Statement[0].Principal.Federated == "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    error_message = "The roles do not trust the existing provider."
  }
}

run "policies_fit_with_the_longest_names" {
  variables {
    name_prefix   = "abcdefghijklmnopqrst"
    region        = "ap-northeast-1"
    repository    = "abcdefghijklmnopqrstuvwxyz0123456789abc/abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"
    owner_id      = 999999999
    repository_id = 9999999999
    alarm_email   = "somebody@example.com"
  }

  assert {
    condition     = length(aws_iam_policy.change.policy) <= 6144 && length(aws_iam_policy.boundary.policy) <= 6144
    error_message = "A managed policy has at most 6,144 characters."
  }

  assert {
    condition     = sum([for policy in aws_iam_role_policy.deploy : length(policy.policy)]) <= 10240
    error_message = "A role's inline policies have at most 10,240 characters together."
  }

  assert {
    condition     = alltrue([for policy in output.trust_policies : length(policy) <= 2048])
    error_message = "A trust policy has at most 2,048 characters."
  }

  assert {
    condition     = length(aws_budgets_budget.account) == 1
    error_message = "With an address there is a budget."
  }
}

run "invalid_variables_are_refused" {
  command = plan

  variables {
    name_prefix        = "Order_Flow"
    region             = "Frankfurt"
    repository         = "acme/*"
    owner_id           = 0
    repository_id      = 1.5
    alarm_email        = "somebody@home"
    monthly_budget_usd = 0
    names = {
      state_bucket = "b"
      plan_role    = "p"
      deploy_role  = "d"
      boundary     = "b"
      path         = "/"
    }
  }

  expect_failures = [
    var.name_prefix,
    var.region,
    var.repository,
    var.owner_id,
    var.repository_id,
    var.alarm_email,
    var.monthly_budget_usd,
    var.names,
  ]
}
