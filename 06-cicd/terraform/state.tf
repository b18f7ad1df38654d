# Terraform's state of the stack and of this configuration. A reader of the state sees all names and
# settings. A writer of the state decides what Terraform does next.
#
# AWS deletes no bucket that contains objects, and this one always does. Only `make bootstrap
# ARGS=--remove` deletes it.

resource "aws_s3_bucket" "state" {
  bucket        = var.names.state_bucket
  force_destroy = false
}

# To recover from a damaged state. Old versions stay: a thousand deployments need about 100 MB.
resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

# A plan contains the state, too. It is deleted after the apply. S3 deletes a plan that nobody approves
# after the 30 days that GitHub waits, and old versions of plans one day later.
resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    id     = "plans"
    status = "Enabled"

    filter {
      prefix = "_plans/"
    }

    expiration {
      days = 30
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.state]
}

# With S3's own key. A KMS key costs a dollar a month, and would deny access to nobody whom these
# policies allow.
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

# The local cloud serves plain HTTP only.
resource "aws_s3_bucket_policy" "state" {
  count = var.local ? 0 : 1

  bucket = aws_s3_bucket.state.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyInsecureTransport"
      Effect    = "Deny"
      Action    = "s3:*"
      Principal = "*"
      Resource  = [local.state_bucket, "${local.state_bucket}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.state]
}
