"""Values that rows, rules and settings share."""

STRATEGIES = ("FedAvg", "FedProx", "FedAdam", "Krum", "Bulyan", "FedTrimmedAvg")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")
ISOLATIONS = ("subprocess", "process")
FRAMEWORKS = ("pytorch", "tensorflow", "sklearn")
USE_CASES = ("none", "image-classification", "anomaly-detection", "llm-fine-tuning")
BACKOFFS = ("exponential", "fixed")
FLOWER_VERSION = "1.36.0"
HEALTH_SCRIPT = "/opt/flower/scripts/health-check.sh"
RESERVED_PORTS = (9091, 9092, 9093)
