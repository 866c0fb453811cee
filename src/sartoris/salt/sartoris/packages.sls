{%- from 'sartoris/map.jinja' import sartoris with context %}

{%- if sartoris.packages %}
sartoris-packages:
  pkg.installed:
    - pkgs: {{ sartoris.packages | tojson }}
{%- endif %}
