"""The faces: the command, the progress-report API and the map web view. Holds no rule."""
