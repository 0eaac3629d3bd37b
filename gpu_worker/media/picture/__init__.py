"""What is done to a picture's samples; nothing here knows of files or of time."""
