# What Terraform reads for a plan: settings, never data. No item of a table, no message, no log line.
# Both roles have these permissions.

locals {
  read_statements = [
    {
      Sid    = "ReadFunctions"
      Effect = "Allow"
      Action = [
        "lambda:GetAlias",
        "lambda:GetFunction",
        "lambda:GetFunctionCodeSigningConfig",
        "lambda:GetFunctionConfiguration",
        "lambda:GetFunctionEventInvokeConfig",
        "lambda:GetPolicy",
        "lambda:ListTags",
        "lambda:ListVersionsByFunction",
      ]
      Resource = [local.arns.functions]
    },
    {
      Sid      = "ReadMappings" # an ARN has an id that Lambda chooses, and no name
      Effect   = "Allow"
      Action   = ["lambda:GetEventSourceMapping", "lambda:ListTags"]
      Resource = [local.arns.mappings]
    },
    {
      Sid    = "ReadTables"
      Effect = "Allow"
      Action = [
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTable",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:ListTagsOfResource",
      ]
      Resource = [local.arns.tables]
    },
    {
      Sid    = "ReadBusAndRules"
      Effect = "Allow"
      Action = [
        "events:DescribeArchive",
        "events:DescribeEventBus",
        "events:DescribeRule",
        "events:ListTagsForResource",
        "events:ListTargetsByRule",
      ]
      Resource = [local.arns.buses, local.arns.rules, local.arns.archives]
    },
    {
      Sid      = "ReadQueues"
      Effect   = "Allow"
      Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"]
      Resource = [local.arns.queues]
    },
    {
      Sid      = "ReadTopics"
      Effect   = "Allow"
      Action   = ["sns:GetTopicAttributes", "sns:ListTagsForResource"]
      Resource = [local.arns.topics]
    },
    {
      Sid      = "ReadAlarms"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"]
      Resource = [local.arns.alarms, local.arns.dashboard]
    },
    {
      Sid      = "ReadSchedules"
      Effect   = "Allow"
      Action   = ["scheduler:GetSchedule"]
      Resource = [local.arns.schedules]
    },
    {
      Sid      = "ReadBudgets"
      Effect   = "Allow"
      Action   = ["budgets:ListTagsForResource", "budgets:ViewBudget"]
      Resource = [local.arns.budgets]
    },
    {
      Sid      = "ReadApis"
      Effect   = "Allow"
      Action   = ["apigateway:GET"]
      Resource = [local.arns.apis, "${local.arns.apis}/*"]
    },
    {
      Sid      = "ReadLogGroups"
      Effect   = "Allow"
      Action   = ["logs:ListTagsForResource"]
      Resource = local.arns.log_groups
    },
    {
      Sid    = "ReadRoles"
      Effect = "Allow"
      Action = [
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
      ]
      Resource = [local.arns.roles]
    },
    {
      Sid    = "ReadBundles" # the code is public in the repository
      Effect = "Allow"
      Action = [
        "s3:GetAccelerateConfiguration",
        "s3:GetBucketAcl",
        "s3:GetBucketCORS",
        "s3:GetBucketLocation",
        "s3:GetBucketLogging",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketPolicy",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketRequestPayment",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetBucketWebsite",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
      ]
      Resource = [local.arns.bundles]
    },
    {
      Sid    = "ReadUnscopable" # AWS has no resource types for these
      Effect = "Allow"
      Action = [
        "billing:GetBillingViewData", # the reference lists it with budgets:ViewBudget
        "cloudwatch:DescribeAlarms",
        "logs:DescribeLogGroups",
        "sns:GetSubscriptionAttributes",
      ]
      Resource = ["*"]
    },
    {
      Sid      = "ListStateBucket"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = [local.state_bucket]
    },
    {
      Sid      = "ReadState"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = [local.state_object]
    },
  ]
}
