"""A failing run as a picture: hosts as lines, time downwards, messages as arrows. `recording` hears, `page` draws."""
