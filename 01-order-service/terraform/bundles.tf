# The bucket for the functions' code of all stages. The provider creates functions from a bucket in
# parallel. From a file on disk it creates them one after the other, 5 s each.

resource "aws_s3_bucket" "bundles" {
  bucket_prefix = "${var.stack.name_prefix}-bundles-" # a bucket's name is globally unique
  force_destroy = true                                # `make` can build its contents again
}

resource "aws_s3_bucket_public_access_block" "bundles" {
  bucket = aws_s3_bucket.bundles.bucket

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Not on the local cloud, which serves plain HTTP only.
resource "aws_s3_bucket_policy" "bundles" {
  count = var.stack.local ? 0 : 1

  bucket = aws_s3_bucket.bundles.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyInsecureTransport"
      Effect    = "Deny"
      Action    = "s3:*"
      Principal = "*"
      Resource  = [aws_s3_bucket.bundles.arn, "${aws_s3_bucket.bundles.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.bundles] # two changes at once conflict
}

# The code of both functions of this stage.
resource "aws_s3_object" "bundle" {
  bucket      = aws_s3_bucket.bundles.bucket
  key         = "order_service.zip"
  source      = "${var.stack.bundle_dir}/order_service.zip"
  source_hash = filebase64sha256("${var.stack.bundle_dir}/order_service.zip")
}
