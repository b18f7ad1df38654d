# The maximum permissions of every function's role, whatever its own policy says. The deploy role
# writes these policies, and must set this boundary on each role. It contains no IAM action.
resource "aws_iam_policy" "boundary" {
  name        = var.names.boundary
  path        = var.names.path
  description = "Maximum permissions of the roles of ${var.name_prefix}-*"

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
        Resource = local.arns.tables # includes their indexes
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
          "sqs:GetQueueAttributes",
          "sqs:ReceiveMessage",
          "sqs:SendMessage",
        ]
        Resource = local.arns.queues
      },
      {
        Sid      = "OwnFunctions"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = local.arns.functions # includes their aliases
      },
      {
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*" # X-Ray has no resource types for these two
      },
    ]
  })

  # AWS cannot change a policy's description, and does not delete a policy in use.
  lifecycle {
    ignore_changes = [description]
  }
}
