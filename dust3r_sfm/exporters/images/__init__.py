"""Photos written as trainers read them: undistorted, resized, named; with their depth and masks."""
