output "plan_role_arn" {
  description = "The role of workflows that look: the repository's variable AWS_PLAN_ROLE_ARN"
  value       = aws_iam_role.plan.arn
}

output "deploy_role_arn" {
  description = "The role of workflows that change: the repository's variable AWS_DEPLOY_ROLE_ARN"
  value       = aws_iam_role.deploy.arn
}

output "state_bucket" {
  description = "Where Terraform's state lies"
  value       = aws_s3_bucket.state.bucket
}

output "boundary_arn" {
  description = "What every role of the stack must have as its permissions boundary"
  value       = aws_iam_policy.boundary.arn
}

output "oidc_provider_arn" {
  description = "GitHub's OIDC provider in this account"
  value       = local.oidc_provider
}

output "trust_policies" {
  description = "Who may be each role, as JSON, by `plan` and `deploy`"
  value       = local.trust_policies
}

output "settings" {
  description = "What this was made with, so that it can be made with the same again from any machine"
  value = {
    repository = {
      name          = var.repository
      owner_id      = var.owner_id
      repository_id = var.repository_id
    }
    alarm_email = var.alarm_email
  }
}
