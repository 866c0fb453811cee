# A minion that starts may have been away during a rollout.
sartoris_converge:
  runner.git_deploy.converge:
    - args:
      - minion: {{ data['id'] | tojson }}
