"""From an uploaded file to frames in order and planes with their places."""
