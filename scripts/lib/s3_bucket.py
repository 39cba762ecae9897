"""Creates a bucket by one signed request (AWS Signature Version 4, standard library only).

    s3_bucket.py ENDPOINT REGION BUCKET        keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY

A bucket that this key already owns is fine. Exit 1 with the server's answer when it refuses.
"""

import datetime
import hashlib
import hmac
import http.client
import os
import sys
from urllib.parse import quote, urlsplit


def authorization(host, path, region, payload_hash, stamp):
    """The header's value for a PUT of `path` with no query; signs host, hash and date."""
    day = stamp[:8]
    scope = f"{day}/{region}/s3/aws4_request"
    names = "host;x-amz-content-sha256;x-amz-date"
    request = f"PUT\n{path}\n\nhost:{host}\nx-amz-content-sha256:{payload_hash}\nx-amz-date:{stamp}\n\n{names}\n{payload_hash}"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    owner = os.environ["AWS_ACCESS_KEY_ID"]
    return f"AWS4-HMAC-SHA256 Credential={owner}/{scope},SignedHeaders={names},Signature={signature}"


def main():
    endpoint, region, bucket = sys.argv[1:4]
    host = urlsplit(endpoint).netloc
    path = "/" + quote(bucket)
    empty = hashlib.sha256(b"").hexdigest()
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "x-amz-content-sha256": empty,
        "x-amz-date": stamp,
        "Authorization": authorization(host, path, region, empty, stamp),
    }
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("PUT", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode(errors="replace")
    if answer.status != 200 and "BucketAlreadyOwnedByYou" not in body:
        sys.exit(f"the S3 server refuses to create bucket {bucket}: {answer.status} {body[:500]}")


main()
