"""The transports (网关): one file each, entered here. A newcomer copies a sibling.

The bank names its gateways in ``ZHIKE_SMS_URL``: addresses with blanks between them, the first is the one that is used.
"""
