"""The widgets, one file each; ``registry`` finds them."""
