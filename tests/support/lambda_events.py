"""What AWS Lambda hands to a handler."""

import json


def an_event(method, path, headers, body=None, query="", **more):
    """What an HTTP API sends, payload format 2.0."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": "application/json", "host": "cutroom.test", **headers},
        "requestContext": {"http": http, "stage": "$default", "requestId": "r1"},
        "body": json.dumps(body) if body else None,
        "isBase64Encoded": False,
        **more,
    }
