"""Newton's methods on the working set, in the leader: a method of solution, and the last step."""
