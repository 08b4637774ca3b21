"""What goes out: closed periods, maps, exports, with the marks by which they are checked; stands on figures and imports."""
