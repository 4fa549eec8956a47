"""Contacts: planned, agreed, under way, written up; or recorded afterwards. A file each for what can be done with them."""

from zhike.api.contacts import amendments, collection, course, write_up

# In the order of the API's description.
PARTS = (collection, course, write_up, amendments)
