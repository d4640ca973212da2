"""The steps from one form of the tables to the next; `HEAD` is the form that this program reads."""

HEAD = "0013"
