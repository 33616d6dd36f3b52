"""Sizes of windows in which pages are looked at."""

DESKTOP, LAPTOP, PHONE = {"width": 1280, "height": 900}, {"width": 1280, "height": 800}, {"width": 390, "height": 844}
