# The most that any function of ours may ever do, whatever its own policy says: the deploy role
# writes those policies, and must put this boundary on each role it makes. Nothing of IAM is in it.
resource "aws_iam_policy" "boundary" {
  name        = var.names.boundary
  path        = var.names.path
  description = "The most that a role of ${var.name_prefix}-* may ever do"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "OwnLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = local.arns.log_groups[0]
      },
      {
        Sid      = "OwnTables"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        Resource = local.arns.tables # their indexes, too
      },
      {
        Sid      = "OwnBus"
        Effect   = "Allow"
        Action   = ["events:PutEvents"]
        Resource = local.arns.buses
      },
      {
        Sid    = "OwnQueues"
        Effect = "Allow"
        Action = [
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:ReceiveMessage",
          "sqs:SendMessage",
        ]
        Resource = local.arns.queues
      },
      {
        Sid      = "OwnFunctions"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = local.arns.functions # their aliases, too
      },
      {
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*" # X-Ray knows no narrower resource for these two
      },
    ]
  })
}
