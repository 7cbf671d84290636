"""The priority schedule, and its policies: by lists and by draws."""
