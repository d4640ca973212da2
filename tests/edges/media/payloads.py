"""Templates that want out of their sandbox, and ones that want to keep the machine busy for ever.

The ways out are those of the published collections of template injections for Jinja (PayloadsAllTheThings,
HackTricks), put together from the objects that a template has and from what is asked of each.
"""

OBJECTS = (
    "''",
    "[]",
    "{}",
    "()",
    "1",
    "true",
    "hostname",
    "ssh_keys",
    "supports",
    "variables",
    "quote",
    "cycler",
    "joiner",
    "namespace",
    "lipsum",
    "range",
    "dict",
    "self",
)
ASKED = (
    "{{ OBJECT.__class__.__mro__[-1].__subclasses__() }}",
    "{{ OBJECT['__class__']['__base__']['__subclasses__']() }}",
    "{{ OBJECT | attr('__class__') | attr('__mro__') | last | attr('__subclasses__') }}",
    "{{ OBJECT | attr('__cla' ~ 'ss__') | attr('__bases__') | first }}",
    "{{ OBJECT | attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ OBJECT.__init__.__globals__['os'].popen('cat CANARY').read() }}",
    "{{ OBJECT.__globals__['__builtins__']['open']('CANARY').read() }}",
    "{{ OBJECT.__init__.__globals__.__builtins__.eval('open(\"CANARY\").read()') }}",
    "{{ [OBJECT] | map(attribute='__class__.__mro__') | list }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(OBJECT) }}",
    "{{ ('{0.__class__}' | string).format_map({'0': OBJECT}) }}",
)
SPECIAL = (
    "{% include '/etc/passwd' %}",
    "{% include '../../../../../../etc/passwd' %}",
    "{% include 'rhel/../../pyproject.toml' %}",
    "{% include 'CANARY' %}",
    "{% import '/etc/passwd' as p %}{{ p }}",
    "{% from 'CANARY' import x %}{{ x }}",
    "{% extends '/etc/passwd' %}",
    "{% set m = quote.__code__ %}{{ m.co_filename }}",
    "{% set g = quote.__globals__ %}{{ g }}",
    "{{ quote.__module__.__class__ }}",
    "{{ self._TemplateReference__context.environment.loader }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__.__builtins__.__import__('os').popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os.environ }}",
    "{{ joiner.__init__.__globals__.os.popen('id').read() }}",
    "{{ namespace.__init__.__globals__.os.system('touch CANARY.made') }}",
    "{{ lipsum.__globals__.os.popen('touch CANARY.made').read() }}",
    "{{ lipsum.__globals__['o' ~ 's']['system']('touch CANARY.made') }}",
    "{{ (lipsum | attr('__globals__')).get('os') }}",
    "{% for c in [].__class__.__base__.__subclasses__() %}{{ c.__name__ }}{% endfor %}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{{ m.__init__.__globals__ }}",
    "{% macro m() %}x{% endmacro %}{{ m._func.__globals__ }}",
    "{% for x in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% for x in [1] recursive %}{{ loop._recurse.__globals__ }}{% endfor %}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns }}",
    "{{ nobody.__class__ }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ __import__('os') }}",
    "{{ open('CANARY').read() }}",
    "{{ eval('1') }}",
    "{{ [].append.__self__.__class__ }}",
    "{{ ''.join.__self__.__class__ }}",
    "{{ ('a' for a in []).gi_frame }}",
    "{{ '%s' | format(quote.__globals__) }}",
    "{{ quote | string | attr('__class__') }}",
    "{{ dict(a=quote).a.__globals__ }}",
    "{{ variables.__class__.fromkeys.__self__ }}",
    "{{ hostname.encode.__self__.__class__.__mro__ }}",
)
PAYLOADS = [
    *(asked.replace("OBJECT", thing) for thing in OBJECTS for asked in ASKED),
    *SPECIAL,
]

_DEEP = "(" * 30000
BOMBS = {
    "loops for ever": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}\n",
    "calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}\n",
    "calls itself in a loop": "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}\n",
    "a text of 10 GB at once": "{{ 'a' * 10 ** 10 }}\n",
    "a text of 10 GB by doubling": (
        "{% set n = namespace(s='a') %}"
        "{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}\n"
    ),
    "a text that is no answer file": "{% for a in range(90000) %}0123456789abcdef\n{% endfor %}\n",
    "a range of 10 ** 9": "{{ range(10 ** 9) | list }}\n",
    "a number without end": "{{ 10 ** (10 ** 10) }}\n",
    "a width of 10 ** 10": "{{ '%9999999999d' % 1 }}\n",
    "a list of 10 ** 10": "{{ [1] * 10 ** 10 }}\n",
    "a centred word": "{{ 'x' | center(10 ** 10) }}\n",
    "brackets without end": "{{ " + _DEEP + "\n",
    "products of lists": (
        "{% set n = range(99999) | list %}{% for a in n %}{{ n | sort | batch(3) | list }}{% endfor %}\n"
    ),
}
