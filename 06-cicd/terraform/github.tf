# Which GitHub workflows may assume which role. A job presents a token that GitHub signed. The token's
# `sub` names the repository and the trigger or environment.
#
# Conditions compare whole values (StringEquals). With one `*` too many, a fork or any other repository
# could deploy here.

locals {
  github = "token.actions.githubusercontent.com"

  owner = split("/", var.repository)[0]
  name  = split("/", var.repository)[1]

  # GitHub has two formats. A repository that was created, renamed or transferred since July 2026 has
  # the ids, an older one does not. The format without ids is safe: if somebody else gets the name
  # later, that repository was created, renamed or transferred since then, and so it has other ids.
  subjects = [
    "repo:${local.owner}/${local.name}",
    "repo:${local.owner}@${var.owner_id}/${local.name}@${var.repository_id}",
  ]

  # The ends of `sub`. The token of a job with an environment names only this environment. GitHub starts
  # the job only after the environment's reviewers approve.
  plan_uses   = ["pull_request", "ref:refs/heads/main"]
  deploy_uses = ["environment:production"]

  trust_policies = {
    for role, uses in { plan = local.plan_uses, deploy = local.deploy_uses } : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "AllowWorkflows"
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = local.oidc_provider }
        Condition = {
          StringEquals = {
            "${local.github}:aud" = "sts.amazonaws.com"
            "${local.github}:sub" = [for pair in setproduct(local.subjects, uses) : join(":", pair)]
          }
        }
      }]
    })
  }
}

# Without thumbprints: AWS verifies GitHub's certificate by its certificate authority.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.has_oidc_provider ? 0 : 1

  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}
