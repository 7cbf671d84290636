"""The rounds of a launch in one compiled loop: await feedback, observe it, fill, publish."""
