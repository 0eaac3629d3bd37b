"""Cloudflare R2, or any store that speaks S3: signing is ours, the rest is boto3."""
