# Who may come from GitHub, and as whom. A workflow's job shows a token that GitHub signed; its
# `sub` says which repository it runs in, and for what.
#
# Only whole values are compared (StringEquals): one `*` too many, and a fork, or anybody's
# repository, could deploy here.

locals {
  github = "token.actions.githubusercontent.com"

  owner = split("/", var.repository)[0]
  name  = split("/", var.repository)[1]

  # GitHub names a repository in two ways: with the ids since July 2026, if it was made, renamed or
  # given away since then, and without them before.
  subjects = [
    "repo:${local.owner}/${local.name}",
    "repo:${local.owner}@${var.owner_id}/${local.name}@${var.repository_id}",
  ]

  # What a token may be for. A job that names an environment is for that and nothing else; whether
  # it may run at all, GitHub asks the environment's reviewers.
  plan_uses   = ["pull_request", "ref:refs/heads/main"]
  deploy_uses = ["environment:production"]

  trust_policies = {
    for role, uses in { plan = local.plan_uses, deploy = local.deploy_uses } : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "OurWorkflows"
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

# Without thumbprints: AWS knows GitHub's certificate by the authority that signed it.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.has_oidc_provider ? 0 : 1

  url            = "https://${local.github}"
  client_id_list = ["sts.amazonaws.com"]
}
