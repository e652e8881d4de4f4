"""The whole road on one machine: broker, hub and one appliance, for `make run`, `make demo` and the
system tests.

    road.py      a folder with everything in it, started and stopped
    programs.py  one program as a process that can be awaited, frozen, killed
    link.py      the line between the store and the broker, which can be cut
    till.py      a till: sells, takes back, asks again with the same key
    news.py      what the appliance tells as it happens
    journal.py   what the hub posted, read and checked
    audit.py     the promise, checked: what got a 201 against what the hub holds

Needs nothing but Python's own library.
"""
