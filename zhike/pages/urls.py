"""Where each screen is. One line a view; zhike/urls.py takes them in."""

from django.urls import URLPattern, path

from zhike.pages.views import code, customer, customers, me, obligation, plan, prepare, schedule, talk, today, write_up

urlpatterns: list[URLPattern] = [
    path("", today.show, name="today"),
    path("search/", customers.find, name="search"),
    path("search/hits/", customers.hits, name="hits"),
    path("customers/", customers.book, name="customers"),
    path("customers/<int:customer>/", customer.show, name="customer"),
    path("customers/<int:customer>/learned/", customer.learned, name="learned"),
    path("customers/<int:customer>/known/", customer.known, name="known"),
    path("customers/<int:customer>/needs/", customer.need, name="need"),
    path("customers/<int:customer>/needs/<int:need>/", customer.need_closed, name="need_closed"),
    path("customers/<int:customer>/reveal/<slug:field>/", customer.reveal, name="reveal"),
    path("customers/<int:customer>/new/<slug:kind>/", plan.new, name="plan"),
    path("contacts/<int:contact>/", plan.contact, name="contact"),
    path("contacts/<int:contact>/prepare/", prepare.show, name="prepare"),
    path("contacts/<int:contact>/ready/", prepare.ready, name="ready"),
    path("contacts/<int:contact>/move/", plan.move, name="move"),
    path("contacts/<int:contact>/arrive/", talk.arrive, name="arrive"),
    path("contacts/<int:contact>/start/", talk.start, name="start"),
    path("contacts/<int:contact>/talk/", talk.show, name="talk"),
    path("contacts/<int:contact>/jot/", talk.jot, name="jot"),
    path("contacts/<int:contact>/end/", talk.end, name="end"),
    path("contacts/<int:contact>/outcome/", talk.outcome, name="outcome"),
    path("contacts/<int:contact>/write-up/", write_up.show, name="write_up"),
    path("contacts/<int:contact>/draft/", write_up.save, name="draft"),
    path("contacts/<int:contact>/close/", write_up.close, name="close"),
    path("contacts/<int:contact>/record/", plan.record, name="record"),
    path("obligations/<int:obligation>/", obligation.show, name="obligation"),
    path("obligations/<int:obligation>/why/", obligation.why, name="why"),
    path("obligations/<int:obligation>/done/", obligation.done, name="done"),
    path("obligations/<int:obligation>/waive/", obligation.waive, name="waive"),
    path("obligations/<int:obligation>/undo/", obligation.undo, name="undo"),
    path("obligations/<int:obligation>/call/", talk.call, name="call"),
    path("schedule/", schedule.show, name="schedule"),
    path("code/", code.show, name="code"),
    path("code/<slug:clause>/", code.one, name="clause"),
    path("me/", me.show, name="me"),
    path("me/wishes/", me.wishes, name="wishes"),
]
