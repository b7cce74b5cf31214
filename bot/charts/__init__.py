"""Pictures of figures: one drawing, an SVG, that the board shows as it is and chat gets as a PNG.

resvg makes the PNG. docs/charts.md tells by what it was chosen.
"""
