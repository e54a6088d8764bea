"""Where everything is kept: intents, each one transaction.

`base` says what the bot asks of a store, `operating` what those who run it ask; `sqlite` does it, in modules of
the same names. Beside them stands what these are made of: statements (`sql` and those beside it), rows (`rows`), the
bookings of lots and payments (`lots`, `payments`), the thread that writes (`writer`), the schema (`migrations`).
"""
