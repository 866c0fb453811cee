"""The Salt execution module `git_deploy`: the agent, and how Salt calls it.

On a minion it is one file (`sartoris.salt.module.joined`): the agent's core, which knows no
transport, with Salt's functions and the listening to the master beside it. As a program,
`python3 git_deploy.py < order.json`, it is the agent.
"""
