"""From a file or module name to the things in it that can be checked."""
