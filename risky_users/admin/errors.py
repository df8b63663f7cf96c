"""What keeps an administrator's command from going on.

AdminError          anything of this kind; its text is a sentence for whoever is at the keyboard
├── NotSignedIn     nobody is, or somebody else than was asked for
├── NoProgram       a program that is needed is missing, or did not do what it was asked to
│   └── EndedBadly  … or nobody knows whether it did
└── ServiceRefused  a service answered with an error
    ├── NotAllowed  … that this person may not
    └── Uncertain   … or not at all, so that it may have been done or not
"""

from dataclasses import dataclass


class AdminError(Exception):
    """What happened, and what to do next, in a sentence or two."""


class NotSignedIn(AdminError):
    """Nobody is signed in, or not as was asked."""


class NoProgram(AdminError):
    """Another program is missing, or did not do what it was asked to."""


class EndedBadly(NoProgram):
    """A program failed, and may have done what it was asked to before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's error: HTTP status (0: none), the service's code and words, by which id it finds the request, and after how
    many seconds it wants to be asked again."""

    status: int
    code: str = ""
    message: str = ""
    request_id: str = ""
    after: float | None = None

    def __str__(self) -> str:
        told = f"{self.status} {self.code}".strip() if self.status else "no answer"
        return f"{told}{f': {self.message}' if self.message else ''}{f' (request {self.request_id})' if self.request_id else ''}"


class ServiceRefused(AdminError):
    """A service said no."""

    def __init__(self, asked: str, answer: Answer, remedy: str = "") -> None:
        self.asked, self.answer, self.remedy = asked, answer, remedy
        super().__init__(f"{asked}: {str(answer).rstrip('.')}.{f' {remedy}' if remedy else ''}")


class NotAllowed(ServiceRefused):
    """This person may not: another role, or another scope, is needed."""


class Uncertain(ServiceRefused):
    """The answer is missing or cannot be read: it may have been done. Whoever asked looks before asking again."""
