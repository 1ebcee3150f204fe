"""What may be chosen from: the lists of the registry as types, and the choices of the components themselves."""

from enum import StrEnum


class Strategy(StrEnum):
    """How the SuperLink combines what the SuperNodes have learnt (`FL_STRATEGY`)."""

    FED_AVG = "FedAvg"
    FED_PROX = "FedProx"
    FED_ADAM = "FedAdam"
    KRUM = "Krum"
    BULYAN = "Bulyan"
    FED_TRIMMED_AVG = "FedTrimmedAvg"


class Isolation(StrEnum):
    """How app code is run (`FL_ISOLATION`)."""

    SUBPROCESS = "subprocess"
    PROCESS = "process"


class LogLevel(StrEnum):
    """From which level on Flower logs (`FL_LOG_LEVEL`)."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogFormat(StrEnum):
    """How a line of Flower's log looks (`FL_LOG_FORMAT`)."""

    TEXT = "text"
    JSON = "json"


class Framework(StrEnum):
    """The machine-learning framework of an image (`ML_FRAMEWORK`)."""

    PYTORCH = "pytorch"
    TENSORFLOW = "tensorflow"
    SKLEARN = "sklearn"


class UseCase(StrEnum):
    """An app bundle of an image (`FL_USE_CASE`)."""

    NONE = "none"
    IMAGE_CLASSIFICATION = "image-classification"
    ANOMALY_DETECTION = "anomaly-detection"
    LLM_FINE_TUNING = "llm-fine-tuning"


class Backoff(StrEnum):
    """How the waits of the discovery loop grow (`FL_EDGE_BACKOFF`)."""

    EXPONENTIAL = "exponential"
    FIXED = "fixed"


class Source(StrEnum):
    """Where the appliance comes from: a recipe (or any other path) of ours, an image that exists, the marketplace."""

    RECIPE = "recipe"
    ID = "id"
    MARKETPLACE = "marketplace"


class Topology(StrEnum):
    """Which part of a federation a stack is: all of it, its SuperLink, or SuperNodes of a SuperLink elsewhere."""

    SINGLE = "single"
    COORDINATOR = "coordinator"
    SITE = "site"
