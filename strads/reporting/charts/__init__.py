"""Charts as inline SVG: no script, no font and no file besides the page that holds them."""
