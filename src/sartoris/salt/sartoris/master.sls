# The master that carries orders: who may send them, and what a minion is told that comes back.
{%- from 'sartoris/map.jinja' import sartoris, root, services with context %}
{%- set master = sartoris.master %}
{%- set config = root ~ master.config_dir ~ '/master.d' %}
{%- set sock_dir = root ~ master.sock_dir %}
{%- set user = master.user or ('salt' if salt['user.info']('salt') else 'root') %}
{#- Salt's publisher_acl knows users only. #}
{%- set members = salt['group.info'](sartoris.group).get('members', []) %}
{%- set context = {
      'deployers': (sartoris.deployers + members) | unique | sort,
      'all_sign': master.all_sign,
      'desired': root ~ master.desired,
      'group': sartoris.group,
      'runners': root ~ master.runners if master.runners else '',
      'servers': master.servers,
      'sock_dir': sock_dir,
      'user': user,
    } %}

sartoris-group:
  group.present:
    - name: {{ sartoris.group | tojson }}

# Minions converge to what these records say: whoever sends orders writes them. `signers` are the
# minions that are not believed without their signature any more.
{%- for directory in (context.desired, context.desired ~ '/signers') %}

{{ directory }}:
  file.directory:
    - user: {{ user }}
    - group: {{ sartoris.group | tojson }}
    - mode: '{{ '2775' if master.publisher_acl else '0755' }}'
    - makedirs: true
    - require:
      - group: sartoris-group
{%- endfor %}

{%- if master.runners %}

{{ context.runners }}/git_deploy.py:
  file.managed:
    - source: salt://_runners/git_deploy.py
    - mode: '0644'
    - makedirs: true
{%- endif %}

{%- set files = ['sartoris', 'sartoris-acl', 'sartoris-peers', 'sartoris-reactor'] %}
{%- for file in files %}

{{ config }}/{{ file }}.conf:
{%-   if (file == 'sartoris-reactor' and not master.reactor) or (file == 'sartoris-acl' and not master.publisher_acl) %}
  file.absent: []
{%-   else %}
  file.managed:
    - source: salt://sartoris/files/master.d/{{ file }}.conf
    - template: jinja
    - context: {{ context | tojson }}
    - mode: '0644'
    - makedirs: true
{%-   endif %}
{%- endfor %}

{%- if master.publisher_acl %}

# Returns come over the master's event socket, which is for its own user and group. A default ACL of
# the directory opens it to the deployers; it outlives the master, which makes the socket anew.
{{ sock_dir }}:
  file.directory:
    - makedirs: true

{%- if master.packages %}

sartoris-master-packages:
  pkg.installed:
    - pkgs: {{ master.packages | tojson }}
    - require_in:
      - cmd: sartoris-event-bus
{%- endif %}

sartoris-event-bus:
  cmd.run:
    - name: setfacl -d -m g:{{ sartoris.group | quote }}:rw {{ sock_dir | quote }}
    - unless: getfacl -cp {{ sock_dir | quote }} | grep -qxF default:group:{{ sartoris.group | quote }}:rw-
    - require:
      - file: {{ sock_dir }}
      - group: sartoris-group

# The same after each boot, which empties /run.
{{ root }}{{ master.tmpfiles }}:
  file.managed:
    - source: salt://sartoris/files/tmpfiles.conf
    - template: jinja
    - context: {{ context | tojson }}
    - mode: '0644'
    - makedirs: true
{%- else %}

{{ root }}{{ master.tmpfiles }}:
  file.absent: []

# What an earlier release, or the pillar, had opened to them.
sartoris-event-bus:
  cmd.run:
    - name: {{ ('setfacl -d -x g:' ~ (sartoris.group | quote) ~ ' ' ~ (sock_dir | quote)) | tojson }}
    - onlyif: {{ ('getfacl -cp ' ~ (sock_dir | quote) ~ ' 2>&1 | grep -qF default:group:' ~ (sartoris.group | quote) ~ ':') | tojson }}
{%- endif %}

{%- if services and master.restart %}

salt-master:
  service.running:
    - watch:
{%-   for file in files %}
      - file: {{ config }}/{{ file }}.conf
{%-   endfor %}
      - cmd: sartoris-event-bus
{%- endif %}
