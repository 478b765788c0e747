"""What each pair says by itself: a relative pose, and what it tells of focals."""
