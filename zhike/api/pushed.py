"""/api/pushed/…, where the bank's own SMS platform brings receipts and replies. Its path is its key; another one is nowhere."""

from __future__ import annotations

import os

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from zhike import clock
from zhike.people.permissions import PUBLIC, policy
from zhike.sms import door


@csrf_exempt  # a program, which has no cookie that could be misused
@policy(PUBLIC)
@require_POST
def pushed(request: HttpRequest, secret: str) -> HttpResponse:
    """Any other path gets the same answer, whatever the reason."""
    if len(request.body) > door.LARGEST:
        return HttpResponse(status=413)
    said = door.bring(secret, request.body, os.environ, clock.now())
    if said is None:
        return HttpResponse("Not found\n", status=404, content_type="text/plain; charset=utf-8")
    return HttpResponse(said, content_type="text/plain; charset=utf-8")
