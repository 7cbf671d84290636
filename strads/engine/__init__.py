"""What a run is: store, partition, programs, schedules, processes."""
