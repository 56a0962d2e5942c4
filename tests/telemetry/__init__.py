"""What the installation tells of itself: numbers, spans and log lines."""
