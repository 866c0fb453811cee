# A machine to which releases are deployed.
{%- from 'sartoris/map.jinja' import sartoris, root with context %}
{%- from 'sartoris/deployment.jinja' import mistake with context %}
{%- import_yaml 'sartoris/beside.yaml' as beside %}
{%- set deployments = sartoris.get('deployments') %}
{%- set owners = {} %}

include:
  - sartoris.packages
{%- if sartoris.target.converge %}
  - sartoris.converge
{%- endif %}

{%- set mistakes = [] %}
{%- for deployment in deployments or [] if mistake(deployment) %}
{%-   set shown = deployment.path if deployment is mapping and deployment.path is defined else '' %}
{%-   do mistakes.append('\n  ' ~ (shown | tojson) ~ ': ' ~ mistake(deployment)) %}
{%- endfor %}
{%- if mistakes %}
{{    raise('sartoris: `deployments` cannot be the list of a target:' ~ (mistakes | join)) }}
{%- endif %}

{%- for deployment in deployments or [] %}
{%-   set directory = root ~ salt['file.dirname'](deployment.path) %}
{%-   if owners.setdefault(directory, deployment).user != deployment.user %}
{{      raise('sartoris: ' ~ directory ~ ' would have two owners') }}
{%-   endif %}
{%- endfor %}

{%- for user in owners.values() | map(attribute='user') | unique %}

{{ ('sartoris-user-' ~ user) | tojson }}:
  user.present:
    - name: {{ user | tojson }}
{%- endfor %}

{%- for directory, deployment in owners.items() %}

# Root's, if it has to be made: the agent follows nothing that others could have put there.
{{ ('sartoris-above-' ~ directory) | tojson }}:
  file.directory:
    - name: {{ salt['file.dirname'](directory) | tojson }}
    - makedirs: true

{{ ('sartoris-directory-' ~ directory) | tojson }}:
  file.directory:
    - name: {{ directory | tojson }}
    - user: {{ deployment.user | tojson }}
{%-   if deployment.group is defined %}
    - group: {{ deployment.group | tojson }}
{%-   endif %}
    - require:
      - file: {{ ('sartoris-above-' ~ directory) | tojson }}
      - user: {{ ('sartoris-user-' ~ deployment.user) | tojson }}
    - require_in:
      - test: sartoris-target
{%- endfor %}

{%- if deployments is not none %}
{%-   set listed = [] %}
{%-   for deployment in deployments %}
{%-     set entry = {} %}
{%-     for field in ('repository', 'path', 'user', 'url', 'packs', 'service') if deployment.get(field) %}
{%-       do entry.update({field: deployment[field]}) %}
{%-     endfor %}
{%-     do listed.append(entry) %}
{%-   endfor %}

{{ root }}/etc/sartoris:
  file.directory:
    - user: root
    - group: root
    - mode: '0755'
    - makedirs: true

# What may be deployed here; the agent refuses everything else.
{{ root }}/etc/sartoris/target.json:
  file.serialize:
    - serializer: json
    - dataset: {{ {'version': 1, 'deployments': listed} | tojson }}
    - user: root
    - group: root
    - mode: '0644'
    - require:
      - file: {{ root }}/etc/sartoris
    - require_in:
      - test: sartoris-target
{#- No `else`: a list that goes from the pillar stays. Without it the target would take every order. #}
{%- endif %}

{{ root }}/etc/salt/minion.d/sartoris.conf:
{%- if sartoris.target.at_start %}
  file.managed:
    - contents: |
        startup_states: sls
        sls_list: [sartoris.converge]
    - mode: '0644'
    - makedirs: true
    - require:
      - test: sartoris-target
{%- else %}
  file.absent: []
{%- endif %}

# A job says to which returners its return goes besides, and whoever may send one function says it.
# Salt reads this when the minion starts.
{%- set own = opts.get('extension_modules', '') ~ '/returners' %}
{%- set returners = beside.returners %}
{%- if salt['file.directory_exists'](own) %}
{%-   for file in salt['file.readdir'](own) | sort if file.endswith('.py') and file != '__init__.py' %}
{%-     do returners.append(file[:-3]) %}
{%-   endfor %}
{%- endif %}
{%- set off = returners | reject('in', sartoris.target.returners) | unique | sort %}

{{ root }}/etc/salt/minion.d/sartoris-trust.conf:
  file.managed:
    - contents: |
        disable_returners: {{ off | tojson }}
        disable_executors: {{ beside.executors | tojson }}
    - mode: '0644'
    - makedirs: true

# All that an order needs here. Without the list it would run as root.
sartoris-target:
  test.nop:
    - name: sartoris-target
{%- if sartoris.packages %}
    - require:
      - pkg: sartoris-packages
{%- endif %}
{%- if sartoris.target.converge %}
    - require_in:
      - git_deploy: sartoris-converge
{%- endif %}
