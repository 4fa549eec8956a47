"""The demonstration bank: 澄江银行, one branch with three sub-branches, 3,000 customers, ninety days behind them.

    for line in build(now): print(line)

It is built once, into an empty database, and is the same every time for the same day and hour. 林晓's book is lived
through verb by verb (:mod:`zhike.demo.diary`); the other eleven RMs' days go through the same engine in bulk.
"""

from zhike.demo.building import build

__all__ = ["build"]
