"""The part of the comment interfaces of GitHub and GitLab that reports need, served on loopback and kept in memory."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

LISTS = re.compile(r"/repos/o/r/issues/7/comments|/projects/5/merge_requests/7/notes")
SINGLE = re.compile(r"/repos/o/r/issues/comments/(\d+)|/projects/5/merge_requests/7/notes/(\d+)")
EDITS = {"/repos": "PATCH", "/proje": "PUT"}


@dataclass
class Comments:
    """`bodies` by id; `calls` are the methods that changed something."""

    address: str = ""
    token: str = "token-of-the-job"
    bodies: dict[int, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, token: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of one request."""
        if not token.endswith(self.token):
            return 401, {"message": "Bad credentials"}
        url = urlsplit(target)
        if LISTS.fullmatch(url.path):
            if method == "GET":
                return 200, self._page(parse_qs(url.query))
            if method == "POST":
                return 201, self._put(1000 + len(self.bodies), method, body)
        single = SINGLE.fullmatch(url.path)
        if single and method == EDITS[url.path[:6]]:
            number = int(single.group(1) or single.group(2))
            return (200, self._put(number, method, body)) if number in self.bodies else (404, {"message": "Not Found"})
        return 404, {"message": "Not Found"}

    def _page(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        every = [{"id": number, "body": body} for number, body in self.bodies.items()]
        return every[(page - 1) * size : page * size]

    def _put(self, number: int, method: str, body: Any) -> dict[str, Any]:
        self.calls.append(method)
        self.bodies[number] = body["body"]
        return {"id": number, "body": body["body"]}


@contextmanager
def served() -> Iterator[Comments]:
    """A server on a free port until the block ends."""
    comments = Comments()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
            status, answer = comments.answer(self.command, self.path, token, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815 - the names that the server class looks for

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    comments.address = f"http://127.0.0.1:{server.server_port}"
    runner = Thread(target=server.serve_forever)
    runner.start()
    try:
        yield comments
    finally:
        server.shutdown()
        runner.join()
        server.server_close()
