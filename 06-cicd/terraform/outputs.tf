output "plan_role_arn" {
  description = "Role of the workflows that plan: the repository's variable AWS_PLAN_ROLE_ARN"
  value       = aws_iam_role.plan.arn
}

output "deploy_role_arn" {
  description = "Role of the workflows that deploy: the repository's variable AWS_DEPLOY_ROLE_ARN"
  value       = aws_iam_role.deploy.arn
}

output "state_bucket" {
  description = "Bucket of Terraform's state"
  value       = aws_s3_bucket.state.bucket
}

output "boundary_arn" {
  description = "Permissions boundary of every role of the stack"
  value       = aws_iam_policy.boundary.arn
}

output "oidc_provider_arn" {
  description = "GitHub's OIDC provider in this account"
  value       = local.oidc_provider
}

output "trust_policies" {
  description = "Trust policies as JSON, by `plan` and `deploy`"
  value       = local.trust_policies
}

output "settings" {
  description = "The values of the variables, so that any machine can apply the bootstrap again with the same ones"
  value = {
    repository = {
      name          = var.repository
      owner_id      = var.owner_id
      repository_id = var.repository_id
    }
    alarm_email = var.alarm_email
  }
}
