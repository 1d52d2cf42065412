"""What both interactive front ends share."""
