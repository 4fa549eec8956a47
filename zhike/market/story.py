"""Where a customer came from: SQL of the prospect that the customer was, beside the customer's row ``c``."""

BEFORE = """
(SELECT json_build_object('id', p.id::text, 'source', p.source, 'source_words', p.source_words, 'at', p.at,
    'contacts', (SELECT coalesce(json_agg(json_build_object('how', e.how, 'words', e.words, 'at', e.at, 'by', s.name)
        ORDER BY e.at DESC, e.id DESC), '[]') FROM market_event e LEFT JOIN people_staff s ON s.id = e.by_id
        WHERE e.prospect_id = p.id AND e.what = 'contact'))
    FROM market_prospect p WHERE p.customer_id = c.id)"""
