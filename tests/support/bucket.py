"""A bucket for Pulumi's state: moto's S3 server on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

NAME = "state"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class Bucket:
    """Its address, and what is in it."""

    address: str

    @property
    def settings(self) -> dict[str, str]:
        """What Pulumi needs: the backend and the keys to it."""
        query = f"endpoint={self.address}&s3ForcePathStyle=true&region=us-east-1"
        return {"PULUMI_BACKEND_URL": f"s3://{NAME}?{query}", **CREDENTIALS}

    def _client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.address,
            region_name=CREDENTIALS["AWS_REGION"],
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def create(self) -> None:
        """Makes the bucket."""
        self._client().create_bucket(Bucket=NAME)

    def keys(self, part: str = "") -> list[str]:
        """The keys of the objects that have `part` in them."""
        pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=NAME)
        return [each["Key"] for page in pages for each in page.get("Contents", ()) if part in each["Key"]]

    def read(self, key: str) -> bytes:
        """An object's content."""
        content: bytes = self._client().get_object(Bucket=NAME, Key=key)["Body"].read()
        return content

    def remove(self, key: str) -> None:
        """Deletes an object."""
        self._client().delete_object(Bucket=NAME, Key=key)


@contextmanager
def served() -> Iterator[Bucket]:
    """A server on a free port with an empty bucket, until the block ends."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        bucket = Bucket(f"http://{host}:{port}")
        bucket.create()
        yield bucket
    finally:
        server.stop()
