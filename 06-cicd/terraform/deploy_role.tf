# The role that changes: it applies and destroys the whole stack, releases, rolls back, and sends the
# order of the smoke test. It has no permission outside the stack's names, and in IAM only for roles
# with the boundary.
#
# A role's inline policies have at most 10,240 characters together, a managed policy 6,144. Hence both.

locals {
  # Terraform creates, changes and deletes these.
  change_statements = [
    {
      Sid    = "ChangeFunctions"
      Effect = "Allow"
      Action = [
        "lambda:CreateAlias",
        "lambda:CreateFunction",
        "lambda:DeleteAlias",
        "lambda:DeleteFunction",
        "lambda:DeleteFunctionEventInvokeConfig",
        "lambda:PublishVersion",
        "lambda:PutFunctionEventInvokeConfig",
        "lambda:RemovePermission",
        "lambda:TagResource",
        "lambda:UntagResource",
        "lambda:UpdateAlias",
        "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration",
        "lambda:UpdateFunctionEventInvokeConfig",
      ]
      Resource = [local.arns.functions]
    },
    {
      Sid       = "AddInvokePermissions" # never another account, never everybody
      Effect    = "Allow"
      Action    = ["lambda:AddPermission"]
      Resource  = [local.arns.functions]
      Condition = { StringEquals = { "lambda:Principal" = ["apigateway.amazonaws.com", "events.amazonaws.com"] } }
    },
    {
      Sid    = "ChangeTables"
      Effect = "Allow"
      Action = [
        "dynamodb:CreateTable",
        "dynamodb:DeleteTable",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTable",
        "dynamodb:UpdateTimeToLive",
      ]
      Resource = [local.arns.tables]
    },
    {
      Sid    = "ChangeBusAndRules"
      Effect = "Allow"
      Action = [
        "events:CreateArchive",
        "events:CreateEventBus",
        "events:DeleteArchive",
        "events:DeleteEventBus",
        "events:DeleteRule",
        "events:DisableRule",
        "events:EnableRule",
        "events:PutRule",
        "events:PutTargets",
        "events:RemoveTargets",
        "events:TagResource",
        "events:UntagResource",
        "events:UpdateArchive",
        "events:UpdateEventBus",
      ]
      Resource = [local.arns.buses, local.arns.rules, local.arns.archives]
    },
    {
      Sid      = "ChangeQueues"
      Effect   = "Allow"
      Action   = ["sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"]
      Resource = [local.arns.queues]
    },
    {
      Sid    = "ChangeTopics"
      Effect = "Allow"
      Action = [
        "sns:CreateTopic",
        "sns:DeleteTopic",
        "sns:SetTopicAttributes",
        "sns:TagResource",
        "sns:UntagResource",
      ]
      Resource = [local.arns.topics]
    },
    {
      Sid       = "SubscribeEmail"
      Effect    = "Allow"
      Action    = ["sns:Subscribe"]
      Resource  = [local.arns.topics]
      Condition = { StringEquals = { "sns:Protocol" = "email" } }
    },
    {
      Sid    = "ChangeAlarms"
      Effect = "Allow"
      Action = [
        "cloudwatch:DeleteAlarms",
        "cloudwatch:DeleteDashboards",
        "cloudwatch:PutDashboard",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
      ]
      Resource = [local.arns.alarms, local.arns.dashboard]
    },
    {
      Sid      = "ChangeSchedules"
      Effect   = "Allow"
      Action   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule"]
      Resource = [local.arns.schedules]
    },
    {
      Sid      = "ChangeBudgets"
      Effect   = "Allow"
      Action   = ["budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource"]
      Resource = [local.arns.budgets]
    },
    {
      Sid    = "ChangeLogGroups"
      Effect = "Allow"
      Action = [
        "logs:CreateLogGroup",
        "logs:DeleteLogGroup",
        "logs:DeleteRetentionPolicy",
        "logs:PutRetentionPolicy",
        "logs:TagResource",
        "logs:UntagResource",
      ]
      Resource = local.arns.log_groups
    },
    {
      Sid    = "ChangeBundles"
      Effect = "Allow"
      Action = [
        "s3:CreateBucket",
        "s3:DeleteBucket",
        "s3:DeleteBucketPolicy",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:ListBucketVersions",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutObject",
        "s3:PutObjectTagging",
      ]
      Resource = [local.arns.bundles]
    },
  ]

  # Buffers: mappings of queues to functions.
  mapping_statements = [
    {
      Sid       = "ChangeMappings" # of queues to the stack's functions only; AWS has no resource type for the creation
      Effect    = "Allow"
      Action    = ["lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
      Resource  = ["*"]
      Condition = { ArnLike = { "lambda:FunctionArn" = local.arns.functions } }
    },
    {
      Sid       = "TagMappings"
      Effect    = "Allow"
      Action    = ["lambda:TagResource"]
      Resource  = [local.arns.mappings]
      Condition = { StringEquals = { "aws:RequestTag/Stack" = var.name_prefix } }
    },
  ]

  # An API's ARN has no name, so conditions compare its tag. AWS does not document that it compares
  # tags of routes, integrations and stages, so this role can also change those of other APIs.
  api_statements = [
    {
      Sid       = "CreateTaggedApis"
      Effect    = "Allow"
      Action    = ["apigateway:POST"]
      Resource  = [local.arns.apis]
      Condition = { StringEquals = { "aws:RequestTag/Stack" = var.name_prefix } }
    },
    {
      Sid       = "ChangeTaggedApis"
      Effect    = "Allow"
      Action    = ["apigateway:DELETE", "apigateway:PATCH"]
      Resource  = ["${local.arns.apis}/*"]
      Condition = { StringEquals = { "aws:ResourceTag/Stack" = var.name_prefix } }
    },
    {
      Sid      = "ChangeApiParts"
      Effect   = "Allow"
      Action   = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST"]
      Resource = [for part in ["integrations", "routes", "stages"] : "${local.arns.apis}/*/${part}*"]
    },
    {
      Sid       = "TagApis"
      Effect    = "Allow"
      Action    = ["apigateway:POST", "apigateway:PUT"]
      Resource  = ["arn:${local.partition}:apigateway:${var.region}::/tags/*", local.arns.apis, "${local.arns.apis}/*/stages*"]
      Condition = { StringEquals = { "aws:RequestTag/Stack" = var.name_prefix } }
    },
    {
      # AWS requires this action to create an API or a stage with tags, and documents neither the action
      # nor its condition keys. On its own it changes nothing: the requests are POST and PUT.
      Sid      = "TagApisAtCreation"
      Effect   = "Allow"
      Action   = ["apigateway:TagResource"]
      Resource = [local.arns.apis, "${local.arns.apis}/*/stages*"]
    },
    {
      Sid    = "LogApiCalls" # an API's access log requires all of these; they have no resource types
      Effect = "Allow"
      Action = [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
      ]
      Resource = ["*"]
    },
    {
      Sid       = "CreateApiServiceRole" # API Gateway then creates this role
      Effect    = "Allow"
      Action    = ["iam:CreateServiceLinkedRole"]
      Resource  = ["arn:${local.partition}:iam::${local.account}:role/aws-service-role/ops.apigateway.amazonaws.com/*"]
      Condition = { StringEquals = { "iam:AWSServiceName" = "ops.apigateway.amazonaws.com" } }
    },
  ]

  # A role that writes policies could grant any permission. The condition limits it to the boundary.
  role_statements = [
    {
      Sid    = "ChangeRolesWithinBoundary"
      Effect = "Allow"
      Action = [
        "iam:CreateRole",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
      ]
      Resource  = [local.arns.roles]
      Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary } }
    },
    {
      Sid    = "ChangeRoles"
      Effect = "Allow"
      Action = [
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:ListInstanceProfilesForRole",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:UpdateRoleDescription",
      ]
      Resource = [local.arns.roles]
    },
    {
      Sid       = "PassRoles"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [local.arns.roles]
      Condition = { StringEquals = { "iam:PassedToService" = ["lambda.amazonaws.com", "scheduler.amazonaws.com"] } }
    },
    {
      Sid    = "DenyBootstrapChanges" # also if this role gets more permissions later
      Effect = "Deny"
      Action = ["iam:*"]
      Resource = [
        "arn:${local.partition}:iam::${local.account}:policy${var.names.path}*",
        "arn:${local.partition}:iam::${local.account}:role${var.names.path}*",
        local.oidc_provider,
      ]
    },
    {
      Sid      = "DenyBoundaryRemoval"
      Effect   = "Deny"
      Action   = ["iam:DeleteRolePermissionsBoundary"]
      Resource = ["*"]
    },
    {
      Sid       = "DenyStateBucketChanges" # other statements are for its objects
      Effect    = "Deny"
      NotAction = ["s3:GetBucketLocation", "s3:ListBucket"]
      Resource  = [local.state_bucket]
    },
  ]

  # The smoke test: place an order, follow it to its shipment, and delete it.
  smoke_statements = [
    {
      Sid    = "InvokeApi" # an API's ARN has no name, so this names the paths
      Effect = "Allow"
      Action = ["execute-api:Invoke"]
      Resource = [
        for call in ["POST/orders", "GET/orders/*", "GET/customers/*"] :
        "arn:${local.partition}:execute-api:${var.region}:${local.account}:*/$default/${call}"
      ]
    },
    {
      Sid    = "SmokeTestOrder"
      Effect = "Allow"
      Action = [
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
      ]
      Resource = [local.arns.tables]
    },
    {
      Sid      = "ReadLogs"
      Effect   = "Allow"
      Action   = ["logs:FilterLogEvents"]
      Resource = local.arns.log_groups
    },
  ]

  # Lists that show whether a destroy left resources. They have no resource types, and return names only.
  list_statements = [
    {
      Sid    = "VerifyTeardown"
      Effect = "Allow"
      Action = [
        "billing:GetBillingViewData", # the reference lists it with budgets:ViewBudget
        "budgets:ViewBudget",
        "cloudwatch:ListDashboards",
        "dynamodb:ListTables",
        "events:ListArchives",
        "events:ListEventBuses",
        "events:ListRules",
        "iam:ListRoles",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "s3:ListAllMyBuckets",
        "scheduler:ListSchedules",
        "sns:ListTopics",
        "sns:Unsubscribe", # a subscription has no resource type
        "sqs:ListQueues",
        "tag:GetResources",
      ]
      Resource = ["*"]
    },
  ]

  state_statements = [
    {
      Sid      = "WriteState"
      Effect   = "Allow"
      Action   = ["s3:PutObject"]
      Resource = [local.state_object]
    },
    {
      Sid      = "LockState"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = ["${local.state_object}.tflock"]
    },
    {
      Sid      = "ApplyPlans" # and delete them afterwards
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject"]
      Resource = [local.plans]
    },
  ]
}

resource "aws_iam_role" "deploy" {
  name               = var.names.deploy_role
  path               = var.names.path
  description        = "GitHub's workflows deploy ${var.name_prefix}-* with it, after the environment's reviewers approve"
  assume_role_policy = local.trust_policies.deploy

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "deploy" {
  for_each = {
    read-configuration = concat(local.read_statements, local.state_statements)
    roles-and-proof    = concat(local.role_statements, local.mapping_statements, local.smoke_statements, local.list_statements)
  }

  name = each.key
  role = aws_iam_role.deploy.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = each.value
  })
}

resource "aws_iam_policy" "change" {
  name        = "${var.names.deploy_role}-change"
  path        = var.names.path
  description = "Permissions to change the resources of ${var.name_prefix}-*"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.change_statements, local.api_statements)
  })

  # AWS cannot change a policy's description, and does not delete a policy in use.
  lifecycle {
    ignore_changes = [description]
  }
}

resource "aws_iam_role_policy_attachment" "change" {
  role       = aws_iam_role.deploy.name
  policy_arn = aws_iam_policy.change.arn
}
