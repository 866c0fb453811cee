"""The targets of one slot: the plan of a rollout and its one runner, and what targets should have.

`plan` says what will be done to whom in which order, before anything is done; `runner` does it,
wave by wave, with a gate after each. Forward, back, sideways (a service) and after (converge) are
plans. It may use transports, orders and events.
"""
