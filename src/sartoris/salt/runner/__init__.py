"""The Salt runner `git_deploy`: send orders to minions, and tell what came of them.

On the master it is one file (`sartoris.salt.runner.joined`), which needs nothing but Salt. By hand:

    salt-run git_deploy.status 'web*'
    salt-run git_deploy.service 'web*' repository=mediawiki slot=slot0 path=/srv/php-slot0 \\
        service=php8.2-fpm service_action=reload

The other functions are for programs: a deployment server that is only a minion reaches the fleet
through them (`publish.runner`, the master's `peer_run`), and the master's reactor calls `converge`
when a minion starts.
"""
