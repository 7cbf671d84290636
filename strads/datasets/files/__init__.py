"""Safe reading of files that may be damaged, truncated or malicious."""
