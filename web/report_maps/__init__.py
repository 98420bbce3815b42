"""Report maps: one self-contained HTML file or one PNG picture, made from values that were read before."""
