# May look: for pull requests, whose code nobody has read yet, and for the nightly search for drift.
# It cannot even lock the state, so it plans with -lock=false.

resource "aws_iam_role" "plan" {
  name               = var.names.plan_role
  path               = var.names.path
  description        = "GitHub's workflows plan with it; it changes nothing"
  assume_role_policy = local.trust_policies.plan

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "plan" {
  name = "read-configuration"
  role = aws_iam_role.plan.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.read_statements
  })
}
