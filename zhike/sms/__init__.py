"""Messages (短信): every one through one gate, to the bank's gateways; nothing sent twice, nothing lost."""
