"""What is said to the coordinator, and the link that it goes over."""
