"""Still pictures: image files read safely, frames as RGB, thumbnails, and files of them."""
