"""One comment on a pull request (GitHub) or merge request (GitLab), made once and edited from then on.

It is found again by the report's first line. Where it goes is said by the variables that the CI system sets; the token
comes from GITHUB_TOKEN or GITLAB_TOKEN.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from fedstack.operations.errors import BadInputError, OperationError

PAGE = 100
TIMEOUT = 30


@dataclass(frozen=True)
class Thread:
    """Where comments of a pull request are listed and made, where one is edited, and how the client proves itself."""

    comments: str
    one: str
    headers: Mapping[str, str]
    edit: str

    def existing(self, marker: str) -> str | None:
        """The address of the comment that begins with the marker."""
        for comment in self._every():
            if str(comment.get("body", "")).startswith(marker):
                return self.one.format(id=comment["id"])
        return None

    def _every(self) -> Iterator[Mapping[str, Any]]:
        page = 1
        while True:
            found = self._call("GET", f"{self.comments}?per_page={PAGE}&page={page}")
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    def put(self, text: str) -> str:
        """Makes the comment or edits it; returns `made` or `edited`."""
        marker = text.partition("\n")[0]
        address = self.existing(marker)
        if address is None:
            self._call("POST", self.comments, text)
            return "made"
        self._call(self.edit, address, text)
        return "edited"

    def _call(self, method: str, address: str, text: str | None = None) -> Any:
        try:
            answer = requests.request(
                method,
                address,
                headers=dict(self.headers),
                json=None if text is None else {"body": text},
                timeout=TIMEOUT,
            )
        except requests.RequestException as error:
            raise OperationError(f"{method} {address}: {error}") from None
        if not answer.ok:
            raise OperationError(f"{method} {address}: {answer.status_code} {answer.text[:200]}")
        return answer.json()


def read(report: Path) -> str:
    """The text of a report; raises BadInputError when the file is none."""
    try:
        text = report.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{report}: cannot be read: {error}") from None
    if not text.startswith("<!-- fedstack:"):
        raise BadInputError(f"{report}: expected a report of `fedstack preview-report` or `fedstack drift`")
    return text


def thread(environ: Mapping[str, str] = os.environ) -> Thread:
    """The pull request of this CI job; raises BadInputError outside of one."""
    if environ.get("GITLAB_CI"):
        return _gitlab(environ)
    if environ.get("GITHUB_ACTIONS"):
        return _github(environ)
    raise BadInputError("neither GITHUB_ACTIONS nor GITLAB_CI is set: run this in a job of GitHub Actions or GitLab CI")


def _github(environ: Mapping[str, str]) -> Thread:
    number = _github_number(_wanted(environ, "GITHUB_EVENT_PATH"))
    repository = f"{_wanted(environ, 'GITHUB_API_URL')}/repos/{_wanted(environ, 'GITHUB_REPOSITORY')}"
    return Thread(
        comments=f"{repository}/issues/{number}/comments",
        one=f"{repository}/issues/comments/{{id}}",
        headers={
            "Authorization": f"Bearer {_wanted(environ, 'GITHUB_TOKEN')}",
            "Accept": "application/vnd.github+json",
        },
        edit="PATCH",
    )


def _github_number(event: str) -> int:
    """The pull request's number, from the event that started the job."""
    try:
        return int(json.loads(Path(event).read_text())["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInputError(f"GITHUB_EVENT_PATH {event}: expected the event of a pull request") from None


def _gitlab(environ: Mapping[str, str]) -> Thread:
    project = f"{_wanted(environ, 'CI_API_V4_URL')}/projects/{_wanted(environ, 'CI_PROJECT_ID')}"
    notes = f"{project}/merge_requests/{_wanted(environ, 'CI_MERGE_REQUEST_IID')}/notes"
    headers = {"PRIVATE-TOKEN": _wanted(environ, "GITLAB_TOKEN")}
    return Thread(comments=notes, one=f"{notes}/{{id}}", headers=headers, edit="PUT")


def _wanted(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise BadInputError(f"{name} is not set: this job is not one of a pull request, or has no token")
    return value
