"""What is measured, a subject a file; each contender's work stands side by side."""
