"""Presigning a PUT: the gateway's own signer beside boto3's, turn about in one process.

Run as a module, with a gateway's settings in the environment, it prints the figure.
"""

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

import boto3
from botocore.config import Config

from bench.figures import Figure, Measurement
from bench.gateway_process import Secrets, environment
from bench.paired import Cost, interleaved
from bench.workplace import Workplace
from gateway.bootstrap_adapters import sqlite_adapters
from gateway.settings import load_settings
from shared.errors import OperatorMustAct

URLS = 100  # of a block
EXPIRES_S = 3600
KEY = "default/uploads/0199-4c1f/clip of the sea.mp4"
TYPE, SIZE_BYTES = "video/mp4", 48_000_000


def presigning(place: Workplace) -> Mapping[str, float]:
    """Run the comparison in its own process."""
    env = environment(Secrets.fresh(), place.room("presign") / "bench.sqlite3")
    blocks = "2" if place.effort.quick else "30"
    return {"presign_vs_boto3": float(place.python("-m", __name__, blocks, env=env))}


def ratio(blocks: int) -> float:
    """Time for a URL of ours over time for one of boto3's, which are the same URL."""
    ours, theirs = _ours(), _theirs()
    if ours() != theirs() and ours() != theirs():  # once, a second may have passed between
        raise RuntimeError("the two sign differently: there is nothing to compare")
    best = interleaved(
        {"ours": partial(_block, ours), "boto3": partial(_block, theirs)}, blocks
    )
    return best["ours"].cpu_s / best["boto3"].cpu_s


def _ours() -> Callable[[], str]:
    signer = sqlite_adapters(load_settings()).signer
    return lambda: (
        signer.sign_put(
            KEY, expires_s=EXPIRES_S, content_type=TYPE, size_bytes=SIZE_BYTES, write_once=True
        ).url
    )


def _theirs() -> Callable[[], str]:
    store = load_settings().store
    if store is None:
        raise OperatorMustAct("no store is configured", public="The service is misconfigured.")
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=store.endpoint_url,
        aws_access_key_id=store.access_key_id,
        aws_secret_access_key=store.secret_access_key.get_secret_value(),
        region_name=store.region,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    params = {
        "Bucket": store.bucket,
        "Key": KEY,
        "ContentType": TYPE,
        "ContentLength": SIZE_BYTES,
        "IfNoneMatch": "*",
    }
    return lambda: client.generate_presigned_url(
        "put_object", Params=params, ExpiresIn=EXPIRES_S
    )


def _block(sign: Callable[[], str]) -> Cost:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for _ in range(URLS):
        sign()
    return Cost(time.perf_counter() - wall_s, time.process_time() - cpu_s)


MEASUREMENTS = (Measurement((Figure("presign_vs_boto3", "×", 0.15),), presigning),)

if __name__ == "__main__":
    print(ratio(int(sys.argv[1])))
