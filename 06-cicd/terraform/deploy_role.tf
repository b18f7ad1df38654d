# May change: apply and destroy the whole stack, release and roll back, and prove it with an order.
# Nothing outside the stack's names; of IAM, only roles that stay within the boundary.
#
# A role's own policies take 10,240 characters together, a managed policy 6,144: hence two of these.

locals {
  # Terraform makes and removes these, and changes their settings.
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
      Sid       = "LetServicesInvoke" # never another account, never the whole world
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
      Sid       = "TellByMail"
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

  # An API has no name in its ARN: it is known by its tag. Its routes, integrations and stages have
  # no tags of which AWS promises that they are compared, so those of other APIs are within reach.
  api_statements = [
    {
      Sid       = "MakeTaggedApis"
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
      Sid      = "ChangePartsOfApis"
      Effect   = "Allow"
      Action   = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST"]
      Resource = [for part in ["integrations", "routes", "stages"] : "${local.arns.apis}/*/${part}*"]
    },
    {
      Sid       = "TagApis" # asked for when something is made with tags, by one name or the other
      Effect    = "Allow"
      Action    = ["apigateway:POST", "apigateway:PUT", "apigateway:TagResource"]
      Resource  = ["arn:${local.partition}:apigateway:${var.region}::/tags/*", local.arns.apis, "${local.arns.apis}/*/stages*"]
      Condition = { StringEquals = { "aws:RequestTag/Stack" = var.name_prefix } }
    },
    {
      Sid    = "LogCallsOfApis" # who switches on an API's access log needs all of these; they have no resources
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
      Sid       = "FirstApiOfAccount" # API Gateway then makes itself this role
      Effect    = "Allow"
      Action    = ["iam:CreateServiceLinkedRole"]
      Resource  = ["arn:${local.partition}:iam::${local.account}:role/aws-service-role/ops.apigateway.amazonaws.com/*"]
      Condition = { StringEquals = { "iam:AWSServiceName" = "ops.apigateway.amazonaws.com" } }
    },
  ]

  # Whoever writes policies can give away anything: here, nothing beyond the boundary.
  role_statements = [
    {
      Sid    = "ChangeRolesWithinTheBoundary"
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
      Sid       = "HandRolesToServices"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [local.arns.roles]
      Condition = { StringEquals = { "iam:PassedToService" = ["lambda.amazonaws.com", "scheduler.amazonaws.com"] } }
    },
    {
      Sid    = "NeverTheBootstrap" # whatever else this role may be given one day
      Effect = "Deny"
      Action = ["iam:*"]
      Resource = [
        "arn:${local.partition}:iam::${local.account}:policy${var.names.path}*",
        "arn:${local.partition}:iam::${local.account}:role${var.names.path}*",
        local.oidc_provider,
      ]
    },
    {
      Sid      = "NeverOutOfTheBoundary"
      Effect   = "Deny"
      Action   = ["iam:DeleteRolePermissionsBoundary"]
      Resource = ["*"]
    },
    {
      Sid       = "NeverTheStateBucketItself" # its objects are another matter
      Effect    = "Deny"
      NotAction = ["s3:GetBucketLocation", "s3:ListBucket"]
      Resource  = [local.state_bucket]
    },
  ]

  # The smoke test's order, from the API to its shipment, and what is left of it.
  smoke_statements = [
    {
      Sid    = "CallTheApi" # the stack's has no name in its ARN: its paths are named instead
      Effect = "Allow"
      Action = ["execute-api:Invoke"]
      Resource = [
        for call in ["POST/orders", "GET/orders/*", "GET/customers/*"] :
        "arn:${local.partition}:execute-api:${var.region}:${local.account}:*/$default/${call}"
      ]
    },
    {
      Sid    = "FollowAndForgetTheOrder"
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

  # Is anything left? AWS lists all or nothing; names only.
  list_statements = [
    {
      Sid    = "ProveEmptiness"
      Effect = "Allow"
      Action = [
        "budgets:ViewBudget",
        "cloudwatch:ListDashboards",
        "dynamodb:ListTables",
        "events:ListArchives",
        "events:ListEventBuses",
        "events:ListRules",
        "iam:ListRoles",
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
  ]
}

resource "aws_iam_role" "deploy" {
  name               = var.names.deploy_role
  path               = var.names.path
  description        = "GitHub's workflows deploy ${var.name_prefix}-* with it, once the environment's reviewers have agreed"
  assume_role_policy = local.trust_policies.deploy

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "deploy" {
  for_each = {
    read-configuration = concat(local.read_statements, local.state_statements)
    roles-and-proof    = concat(local.role_statements, local.smoke_statements, local.list_statements)
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
  description = "What Terraform changes of ${var.name_prefix}-*"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.change_statements, local.api_statements)
  })
}

resource "aws_iam_role_policy_attachment" "change" {
  role       = aws_iam_role.deploy.name
  policy_arn = aws_iam_policy.change.arn
}
