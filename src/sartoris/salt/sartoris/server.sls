# The machine on which deployers type `git deploy`. It may be the master, or only a minion.
{%- from 'sartoris/map.jinja' import sartoris, root, services, http_backend with context %}
{%- set server = sartoris.server %}
{%- set context = {
      'deployers': sartoris.deployers,
      'group': sartoris.group,
      'hook_dir': root ~ server.hook_dir,
      'http_backend': http_backend,
      'log_dir': root ~ server.log_dir,
      'publish_dir': root ~ server.publish_dir,
      'server': server,
    } %}

include:
  - sartoris.packages

sartoris-server-group:
  group.present:
    - name: {{ sartoris.group | tojson }}

{%- for directory in (context.log_dir, context.publish_dir) %}

{{ directory }}:
  file.directory:
    - group: {{ sartoris.group | tojson }}
    - mode: '2775'
    - makedirs: true
    - require:
      - group: sartoris-server-group
{%- endfor %}

{%- for directory in ('apps/common', 'sync') %}

{{ context.hook_dir }}/{{ directory }}:
  file.directory:
    - mode: '0755'
    - makedirs: true
{%- endfor %}

{{ root }}{{ server.config_file }}:
  file.managed:
    - source: salt://sartoris/files/server/git-deploy.conf
    - template: jinja
    - context: {{ context | tojson }}
    - mode: '0644'
    - makedirs: true

{%- if not salt['file.directory_exists'](root ~ '/etc') %}

{{ root }}/etc:
  file.directory:
    - makedirs: true
    - require_in:
      - cmd: sartoris-config-file
{%- endif %}

sartoris-config-file:
  cmd.run:
    - name: git config --system deploy.config-file {{ (root ~ server.config_file) | quote }}
    - unless: test "$(git config --system deploy.config-file)" = {{ (root ~ server.config_file) | quote }}
{%- if root %}
    - env:
      - GIT_CONFIG_SYSTEM: {{ (root ~ '/etc/gitconfig') | tojson }}
{%- endif %}
{%- if sartoris.packages %}
    - require:
      - pkg: sartoris-packages
{%- endif %}

{%- set unit = root ~ '/etc/systemd/system/sartoris-git-daemon.service' %}
{%- if 'git-daemon' in server.serve %}

{{ unit }}:
  file.managed:
    - source: salt://sartoris/files/server/git-daemon.service
    - template: jinja
    - context: {{ context | tojson }}
    - mode: '0644'
    - makedirs: true

{%-   if services %}
sartoris-git-daemon:
  service.running:
    - enable: true
    - watch:
      - file: {{ unit }}
{%-   endif %}
{%- else %}

{%-   set runs = services and salt['file.file_exists'](unit) %}
{%-   if runs %}
sartoris-git-daemon:
  service.dead:
    - enable: false
{%-   endif %}

{{ unit }}:
  file.absent:
    - name: {{ unit }}
{%-   if runs %}
    - require:
      - service: sartoris-git-daemon
{%-   endif %}
{%- endif %}

{%- if 'nginx' in server.serve %}

{%-   if server.nginx.packages %}
sartoris-web-packages:
  pkg.installed:
    - pkgs: {{ server.nginx.packages | tojson }}
    - require_in:
      - file: {{ root }}{{ server.nginx.site }}
{%-   endif %}

{{ root }}{{ server.nginx.site }}:
  file.managed:
    - source: salt://sartoris/files/server/nginx.conf
    - template: jinja
    - context: {{ context | tojson }}
    - mode: '0644'
    - makedirs: true

{%-   if services %}

fcgiwrap.socket:
  service.running:
    - enable: true
    - require:
      - file: {{ root }}{{ server.nginx.site }}

nginx:
  service.running:
    - enable: true
    - reload: true
    - watch:
      - file: {{ root }}{{ server.nginx.site }}
{%-   endif %}
{%- else %}

{{ root }}{{ server.nginx.site }}:
  file.absent: []

{%-   if services %}

# nginx may serve others: it is not stopped, nor started when it does not run.
sartoris-nginx-without-site:
  cmd.run:
    - name: nginx -s reload
    - onlyif:
      - fun: service.status
        name: nginx
    - onchanges:
      - file: {{ root }}{{ server.nginx.site }}
{%-   endif %}
{%- endif %}

{%- if server.sudo %}

# To speak for the minion needs its key, and on a master no other way lets people send orders only.
{{ root }}/etc/sudoers.d/sartoris:
  file.managed:
    - source: salt://sartoris/files/server/sudoers
    - template: jinja
    - context: {{ context | tojson }}
    - mode: '0440'
    - makedirs: true
    - check_cmd: visudo -cf
{%- else %}

{{ root }}/etc/sudoers.d/sartoris:
  file.absent: []
{%- endif %}
