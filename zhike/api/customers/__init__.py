"""Customers: found, looked at, learned about; what belongs to them; who is responsible for them. A file for each noun."""

from zhike.api.customers import (
    acquaintance,
    card,
    collection,
    consents,
    needs,
    reassignment,
    relations,
    stops,
    tiers,
)

# In the order of the API's description.
PARTS = (tiers, collection, stops, needs, card, consents, relations, acquaintance, reassignment)
