"""What is drawn, kind by kind: choices of points, colours and lines, and viser's nodes made of them."""
