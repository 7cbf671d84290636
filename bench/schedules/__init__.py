"""What scheduling buys: coordinate descent under every schedule, beside the conventional ways."""
