"""The one world that the tests share: both stand-ins, the bot between them, and what a test does to them.

- `bot.py` – the bot in this process, built by `bot.app.build` with a clock that stands still. `say` something, then
  `wait_text` or `wait_video`: waiting fetches updates, runs the jobs and moves the clock, so no test sleeps.
  Most tests belong here: `tests/conversations`.
- `process.py` – `klingbot run` as a process, for signals, kills, restarts and the real web server: `tests/faults`.
- `launch.py` – the same program on a machine whose clock a test sets (`BotProcess.set_clock`).
- `kling.py` – the stand-in for Kling and who talks to it; its results are canned unless a test looks at them.
- `telegram.py` – the stand-in for Telegram, and a connection to it without the rest of the bot.
- `services.py` – the bot in this process with tasks put into its store and jobs run one at a time: `tests/services`.
- `proxy.py`, `media.py` – what stands before the bot's web server; pictures, films and recordings.
- `points.py` – the same process, ended at a commit or request that a test names.
- `front.py` – stands before either stand-in: notes what passes, answers in its place, or holds a request for ever.

Prefer, in this order: the stand-in's own behaviour (`kling.behaviour`, `telegram.refuse_next`), then a front.
"""
