# Terraform's state, of the stack and of this very configuration. Whoever reads it reads all names
# and settings; whoever writes it decides what Terraform does next.
#
# A bucket that holds anything is not deleted, and this one always does: `make bootstrap
# ARGS=--remove` is the only way.

resource "aws_s3_bucket" "state" {
  bucket        = var.names.state_bucket
  force_destroy = false
}

# The way back when a state was spoilt. Old versions stay: a thousand deployments are some 100 MB.
resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

# With a key of S3's own: one of KMS costs a dollar a month, and would keep out nobody whom the
# policies here let in.
resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.bucket

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# The local cloud serves plain http only.
resource "aws_s3_bucket_policy" "state" {
  count = var.local ? 0 : 1

  bucket = aws_s3_bucket.state.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "NobodyInTheClear"
      Effect    = "Deny"
      Action    = "s3:*"
      Principal = "*"
      Resource  = [local.state_bucket, "${local.state_bucket}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.state]
}
