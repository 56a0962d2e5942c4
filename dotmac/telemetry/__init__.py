"""What a process tells of itself: numbers for a monitor, spans for a collector, and its name."""
