# Where all stages put their functions' code. Functions made from a bucket are created side
# by side; from a file on disk the provider makes them one after another, 5 s each.

resource "aws_s3_bucket" "bundles" {
  bucket_prefix = "${var.name_prefix}-bundles-" # a bucket's name is unique in the whole world
  force_destroy = true                          # it holds only what `make` builds again
}

resource "aws_s3_bucket_public_access_block" "bundles" {
  bucket = aws_s3_bucket.bundles.bucket

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# None on the local cloud, which serves plain http only.
resource "aws_s3_bucket_policy" "bundles" {
  count = var.local ? 0 : 1

  bucket = aws_s3_bucket.bundles.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "NobodyInTheClear"
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
  source      = "${var.bundle_dir}/order_service.zip"
  source_hash = filebase64sha256("${var.bundle_dir}/order_service.zip")
}
