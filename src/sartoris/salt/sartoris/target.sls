# A machine to which releases are deployed.
{%- from 'sartoris/map.jinja' import sartoris, root with context %}
{%- set deployments = sartoris.get('deployments') %}
{%- set owners = {} %}

include:
  - sartoris.packages
{%- if sartoris.target.converge %}
  - sartoris.converge
{%- endif %}

{%- for deployment in deployments or [] %}
{%-   if deployment.user == 'root' %}
{{      raise('sartoris: ' ~ deployment.path ~ ' cannot be of root: nothing of a release runs as root') }}
{%-   endif %}
{%-   set directory = root ~ salt['file.dirname'](deployment.path) %}
{%-   if owners.setdefault(directory, deployment).user != deployment.user %}
{{      raise('sartoris: ' ~ directory ~ ' would have two owners') }}
{%-   endif %}
{%- endfor %}

{%- for user in owners.values() | map(attribute='user') | unique %}

sartoris-user-{{ user }}:
  user.present:
    - name: {{ user | tojson }}
{%- endfor %}

{%- for directory, deployment in owners.items() %}

# Root's, if it has to be made: the agent follows nothing that others could have put there.
sartoris-above-{{ directory }}:
  file.directory:
    - name: {{ salt['file.dirname'](directory) | tojson }}
    - makedirs: true

sartoris-directory-{{ directory }}:
  file.directory:
    - name: {{ directory | tojson }}
    - user: {{ deployment.user | tojson }}
{%-   if deployment.group is defined %}
    - group: {{ deployment.group | tojson }}
{%-   endif %}
    - require:
      - file: sartoris-above-{{ directory }}
      - user: sartoris-user-{{ deployment.user }}
    - require_in:
      - test: sartoris-target
{%- endfor %}

{%- if deployments is not none %}
{%-   set listed = [] %}
{%-   for deployment in deployments %}
{%-     set entry = {} %}
{%-     for field in ('repository', 'path', 'user', 'url', 'service') if deployment.get(field) %}
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
