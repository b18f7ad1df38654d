# The role that reads: for pull requests before their review, and for the nightly drift check.
# It has no permission to lock the state, so it plans with -lock=false. It only writes plans. The code
# of a pull request could write or overwrite a plan, too. The deployment never applies such a plan,
# because it compares the plan with the hash from its own run.

resource "aws_iam_role" "plan" {
  name               = var.names.plan_role
  path               = var.names.path
  description        = "GitHub's workflows plan with it; it cannot change the stack"
  assume_role_policy = local.trust_policies.plan

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "plan" {
  name = "read-configuration"
  role = aws_iam_role.plan.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.read_statements, [
      {
        Sid      = "StorePlans"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = [local.plans]
      },
    ])
  })
}
