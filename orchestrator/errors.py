"""Every error that ends a run, with the exit status that it means.

    AutoModelError            1  something of ours failed; also a full disk
    ├── SettingsError         2  a wrong flag or variable
    ├── DatasetError          3  a dataset that cannot be used; names the file
    ├── NoSandboxError        4  neither an engine nor bubblewrap can run a job
    ├── ChatError             5  the language model failed for good
    └── NothingTrainedError   6  the budget was spent before any pipeline trained

`sandbox.base.SandboxError`, below us and so none of this tree, exits with 4, too: the sandbox was there, and failed.
An interrupted run exits with 130 and can be continued. Each message is one sentence: what, where, what to do next.
"""


class AutoModelError(Exception):
    """Raised when a run cannot go on; `str()` of it is the sentence for the user."""

    status = 1


class SettingsError(AutoModelError):
    """Raised when a flag or an environment variable makes no sense."""

    status = 2


class DatasetError(AutoModelError):
    """Raised when a dataset cannot be used."""

    status = 3


class NoSandboxError(AutoModelError):
    """Raised when nothing on this machine can contain generated code."""

    status = 4


class ChatError(AutoModelError):
    """Raised when the language model failed for good."""

    status = 5


class NothingTrainedError(AutoModelError):
    """Raised when the budget was spent before any pipeline trained."""

    status = 6
