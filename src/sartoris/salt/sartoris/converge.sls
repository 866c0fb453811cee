# Bring this minion to what its slots should have, as the master knows it.
sartoris-converge:
  git_deploy.converged: []
