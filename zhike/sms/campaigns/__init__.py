"""Campaigns (营销转发, S4): marketing asks, a second person lets it run, every RM in scope forwards it to their own customers by its deadline.

    asking.ask(draft, reason, ...)                               # what marketing wants, for a second person to decide
    books.coverage(campaign, [staff], now, bank)                 # counted, by tier
    forwarding.forward(campaign, Choice(tiers=("gold",)), ...)   # to the open ones of these
    following.sweep(day, now, bank)                              # what the worker and the night do about it

Who is in, who is out and why is said once, in SQL (`sms_campaign_standing`), and used by the count, the list, the choosing and the
queueing alike. It is the guard of `conduct/messages.py` and `conduct/suitability.py` over many rows at once; the sender asks these once more.
"""
