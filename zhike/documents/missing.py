"""What is missing: of each business that a customer does with the bank, the kinds of paper that its file is to hold and does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from zhike.conduct.measure import Completeness, completeness
from zhike.customers.models import Customer
from zhike.documents.models import Document, Label

COMPLAINT = "complaint"


@dataclass(frozen=True)
class Checklist:
    """One business of one customer: each kind that is wanted, and how many documents of it there are."""

    business: Label
    wanted: tuple[tuple[Label, int], ...]

    @property
    def missing(self) -> list[Label]:
        return [kind for kind, found in self.wanted if not found]


def checklists(customer: Customer) -> list[Checklist]:
    """Of the businesses that every customer does, of those that something is filed under, of a complaint that is open. Two queries."""
    labels = list(Label.objects.order_by("place", "id"))
    kinds = {label.key: label for label in labels if label.sort == Label.Sort.KIND}
    filed: dict[int, dict[int, int]] = {}
    standing = Document.objects.filter(customer=customer, deleted_at=None)
    for business, kind in standing.values_list("business_id", "kind_id"):
        of = filed.setdefault(business, {})
        of[kind] = of.get(kind, 0) + 1
    return [
        Checklist(label, tuple((kinds[key], filed.get(label.pk, {}).get(kinds[key].pk, 0)) for key in label.wanted if key in kinds))
        for label in labels
        if label.sort == Label.Sort.BUSINESS
        and label.wanted
        and (label.pk in filed or (label.open and (label.always or (label.key == COMPLAINT and customer.complaint_open))))
    ]  # fmt: skip


# As checklists() has it, for whole books: a line for each business of each customer.
FILES = """
WITH wanted AS (
    SELECT c.id, c.name, c.sort_key, b.id AS business, k.id AS kind, k.key, k.place
    FROM customers_customer c
    JOIN documents_label b ON b.sort = 'business' AND b.wanted <> '{}'
    JOIN documents_label k ON k.sort = 'kind' AND k.key = ANY (b.wanted)
    WHERE c.keeper = ANY (%s::bigint[]) AND c.closed_on IS NULL AND c.deceased_on IS NULL
      AND (b.open AND (b.always OR b.key = %s AND c.complaint_open)
           OR EXISTS (SELECT FROM documents_document d WHERE d.customer_id = c.id AND d.business_id = b.id AND d.deleted_at IS NULL))
), looked AS (
    SELECT w.*, EXISTS (SELECT FROM documents_document d WHERE d.customer_id = w.id AND d.business_id = w.business
                        AND d.kind_id = w.kind AND d.deleted_at IS NULL) AS there
    FROM wanted w
)
SELECT id, name, count(*), count(*) FILTER (WHERE there), coalesce(array_agg(key ORDER BY place) FILTER (WHERE NOT there), '{}')
FROM looked GROUP BY id, name, sort_key, business ORDER BY sort_key, id, business
"""


def measured(keepers: Sequence[int], most: int) -> tuple[Completeness, list[tuple[int, str, list[str]]]]:
    """How whole the files of these books are; and of whom most is missing: id, name, keys of the kinds, ``most`` at the most."""
    with connection.cursor() as cursor:
        cursor.execute(FILES, [list(keepers), COMPLAINT])
        rows = cursor.fetchall()
    lacks: dict[int, tuple[str, list[str]]] = {}
    for id, name, _wanted, _there, keys in rows:
        if keys:
            lacks.setdefault(id, (name, []))[1].extend(key for key in keys if key not in lacks[id][1])
    worst = sorted(lacks.items(), key=lambda each: -len(each[1][1]))[:most]
    return completeness((wanted, there) for _id, _name, wanted, there, _keys in rows), [
        (id, name, keys) for id, (name, keys) in worst
    ]
