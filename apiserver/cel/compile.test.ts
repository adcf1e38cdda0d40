import { beforeAll, describe, expect, test } from 'vitest'
import type { Cel, Evaluated, Variables } from './compile.ts'
import { loadCel } from './load.ts'

let cel: Cel
beforeAll(async () => {
  cel = await loadCel()
})

const object = {
  metadata: { name: 'web', namespace: 'shop', labels: { 'a.b/c': '1', app: 'web' }, annotations: null },
  spec: { replicas: 3, ratio: 2.5, list: [1, 2, 3], names: ['b', 'a', 'b'], on: true, empty: '', text: 'Grüße' },
}
const dynamic = { object: 'dyn' } satisfies Variables

function evaluate(expression: string, variables: Variables = dynamic, values: Record<string, unknown> = { object }): unknown {
  const compiled = cel.compile(expression, { variables })
  if (!compiled.ok) return compiled
  const converted = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, cel.toCel(value)]))
  const result: Evaluated = compiled.program.evaluate(converted)
  return result.ok ? cel.fromCel(result.value) : result
}

const failing = (error: string) => ({ ok: false, error })

describe('evaluating', () => {
  test.each<[string, unknown]>([
    // fields
    ['object.metadata.namespace', 'shop'],
    ['object.metadata.labels["a.b/c"]', '1'],
    ['"a.b/c" in object.metadata.labels', true],
    ['has(object.metadata.labels.app)', true],
    ['has(object.metadata.labels.none)', false],
    ['has(object.spec.empty)', true],
    ['object.metadata.annotations == null', true],
    ['object.spec.none', failing('no such key: none')],
    ['has(object.none.deeper)', failing('no such key: none')],
    ['object.spec.list[7]', failing('index out of bounds: 7')],
    ['object.spec.none == 1 || true', true],
    ['false && object.spec.none == 1', false],
    // numbers
    ['object.spec.replicas == 3', true],
    ['object.spec.replicas == 3.0', true],
    ['object.spec.replicas < 3.5', true],
    ['object.spec.ratio > 2', true],
    ['object.spec.replicas + 1.5', failing('no such overload')],
    ['double(object.spec.replicas) + 1.5', 4.5],
    ['type(object.spec.replicas) == int && type(object.spec.ratio) == double', true],
    ['7 / 2', 3],
    ['7 % 0', failing('modulus by zero')],
    ['1 / 0', failing('division by zero')],
    ['9223372036854775807 + 1', failing('integer overflow: 9223372036854775808')],
    ['int("12") + int(2.9)', 14],
    ['string(1u) + string(2) + string(true)', '12true'],
    ['dyn(1) == 1u', true],
    ['dyn(1) == "1"', false],
    // optionals
    ['object.metadata.?labels.?none.orValue("x")', 'x'],
    ['object.?a.?b.?c.hasValue()', false],
    ['object.metadata.labels[?"app"].orValue("x")', 'web'],
    ['object.spec.list[?9].orValue(0)', 0],
    ['optional.of(2).optMap(x, x * 2).value()', 4],
    ['optional.none().or(optional.of(1)).value()', 1],
    ['object.?spec.optFlatMap(s, s.?replicas).orValue(0)', 3],
    ['optional.ofNonZeroValue("").hasValue()', false],
    ['{"a": 1, ?"b": object.?none, ?"c": optional.of(3)}', { a: 1, c: 3 }],
    ['[1, ?optional.none(), ?optional.of(2)]', [1, 2]],
    // comprehensions
    ['object.spec.list.all(x, x > 0)', true],
    ['object.spec.list.exists(x, x > 2)', true],
    ['object.spec.list.exists_one(x, x == 2)', true],
    ['object.spec.list.filter(x, x > 1).map(x, x * 10)', [20, 30]],
    ['object.metadata.labels.all(key, key.size() > 2)', true],
    ['object.metadata.labels.exists(k, v, k == "app" && v == "web")', true],
    ['object.spec.list.all(i, x, x == i + 1)', true],
    ['object.spec.list.transformList(i, x, i > 0, x * i)', [2, 6]],
    ['object.metadata.labels.transformMap(k, v, v + "!")', { 'a.b/c': '1!', app: 'web!' }],
    ['["a", "b"].transformMapEntry(i, v, {v: i})', { a: 0, b: 1 }],
    ['[3, 1, 2].sortBy(x, -x)', [3, 2, 1]],
    ['cel.bind(x, object.spec.replicas, x * x)', 9],
    // libraries
    ['quantity("1.5Gi").isGreaterThan(quantity("1500M"))', true],
    ['quantity("50k").add(20).sub(quantity("100k")).sub(-50000) == quantity("20")', true],
    ['quantity("50k").asInteger()', 50_000],
    ['quantity("200M").compareTo(quantity("0.2G"))', 0],
    ['isQuantity("200K")', false],
    ['quantity("1.5").isInteger()', false],
    ['quantity("-3").sign()', -1],
    ['url("https://a.example:8080/p%20q?x=1&x=2").getQuery()', { x: ['1', '2'] }],
    ['url("https://[::1]:80/p").getHostname() + url("https://h:80/").getPort()', '::180'],
    ['url("/p/q").getEscapedPath()', '/p/q'],
    ['isURL("../relative")', false],
    ['"abc 123".find("[0-9]+")', '123'],
    ['"a1b22".findAll("[0-9]+")', ['1', '22']],
    ['"a1b22".findAll("[0-9]+", 1)', ['1']],
    ['"ABC".matches("(?i)^[[:alpha:]]+$")', true],
    ['matches("x", "(?P<n>x)")', true],
    ['[1, 2, 2].isSorted() && ["b", "a"].isSorted() == false', true],
    ['object.spec.list.sum() + [1, 2].max() + [1, 2].min()', 9],
    ['[1.5, 2.0].sum()', 3.5],
    ['object.spec.names.indexOf("b") + object.spec.names.lastIndexOf("b")', 2],
    ['object.spec.names.distinct().sort()', ['a', 'b']],
    ['[[1], [2, 3]].flatten()', [1, 2, 3]],
    ['lists.range(3).reverse().slice(0, 2)', [2, 1]],
    ['"hello".charAt(1) + "hello".substring(3) + "hello".substring(0, 1)', 'eloh'],
    ['"ÄB".lowerAscii() + "äb".upperAscii()', 'ÄbäB'],
    ['"a-b-c".replace("-", "+", 1)', 'a+b-c'],
    ['"a,b,c".split(",", 2)', ['a', 'b,c']],
    ['["a", "b"].join("-") + " x ".trim()', 'a-bx'],
    ['"%s has %d of %.2f".format(["a", 3, 1.5])', 'a has 3 of 1.50'],
    ['strings.quote("a\\"b")', '"a\\"b"'],
    ['object.spec.text.size()', 5],
    ['sets.contains([1, 2, 3], [2, 1]) && sets.intersects([1], [1, 2]) && !sets.equivalent([1], [2])', true],
    ['ip("10.0.0.1").family() + ip("::1").family()', 10],
    ['isIP("1.2.3.4.5") || isIP("010.0.0.1")', false],
    ['string(ip("2001:0db8:0:0:0:0:0:1"))', '2001:db8::1'],
    ['ip.isCanonical("2001:DB8::1")', false],
    ['ip("127.0.0.1").isLoopback() && ip("fe80::1").isLinkLocalUnicast() && ip("8.8.8.8").isGlobalUnicast()', true],
    ['cidr("10.0.0.0/8").containsIP("10.9.9.9") && !cidr("10.0.0.0/8").containsCIDR("11.0.0.0/16")', true],
    ['string(cidr("192.168.1.7/24").masked())', '192.168.1.0/24'],
    ['cidr("192.168.1.7/24").prefixLength()', 24],
    ['format.dns1123Label().validate("Bad_").hasValue()', true],
    ['format.named("uuid").value().validate("123e4567-e89b-12d3-a456-426614174000").hasValue()', false],
    ['semver("1.2.3").isLessThan(semver("1.10.0-rc.1"))', true],
    ['semver("v1.02", true).minor()', 2],
    ['isSemver("1.2")', false],
    ['duration("90m") > duration("1h") && string(duration("90m")) == "5400s"', true],
    ['timestamp("2024-02-29T12:00:00Z").getDayOfWeek()', 4],
    ['string(timestamp("2024-02-29T12:00:00Z") + duration("1h"))', '2024-02-29T13:00:00Z'],
    ['jsonpatch.escapeKey("a/b~c")', 'a~1b~0c'],
    ['Object{spec: Object.spec{replicas: object.spec.replicas + 1, ?none: object.?none}}', { spec: { replicas: 4 } }],
    [
      '[JSONPatch{op: "add", path: "/metadata/labels/x", value: "{,}"}]',
      [{ op: 'add', path: '/metadata/labels/x', value: '{,}' }],
    ],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected)
  })
})

describe('what does not compile', () => {
  const typed = {
    self: {
      object: { replicas: 'int', name: 'string', labels: { map: 'string' }, ports: { list: { object: { port: 'int' } } } },
    },
  } satisfies Variables
  test.each<[string, string]>([
    ['foo', "ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^"],
    ['self.nope > 1', "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope > 1\n | ....^"],
    [
      'self.ports.all(p, p.nope == 1)',
      "ERROR: <input>:1:20: undefined field 'nope'\n | self.ports.all(p, p.nope == 1)\n | ...................^",
    ],
    [
      'self.replicas == "a"',
      "ERROR: <input>:1:15: found no matching overload for '_==_' applied to '(int, string)'\n | self.replicas == \"a\"\n | ..............^",
    ],
    ['1 == 1.0', "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, double)'\n | 1 == 1.0\n | ..^"],
    [
      'self.name.startsWith(1)',
      "ERROR: <input>:1:21: found no matching overload for 'startsWith' applied to 'string.(int)'\n | self.name.startsWith(1)\n | ....................^",
    ],
    ['nothing(1)', "ERROR: <input>:1:8: undeclared reference to 'nothing' (in container '')\n | nothing(1)\n | .......^"],
    ['self.replicas &&', 'ERROR: <input>:1:17: Syntax error: unexpected token: EOF\n | self.replicas &&\n | ................^'],
    [
      'self.name.matches(1)',
      "ERROR: <input>:1:18: found no matching overload for 'matches' applied to 'string.(int)'\n | self.name.matches(1)\n | .................^",
    ],
  ])('%s', (expression, error) => {
    expect(cel.compile(expression, { variables: typed })).toEqual({ ok: false, error })
  })

  test('the type of what comes out is known where it can be', () => {
    const types = ['self.replicas > 1', 'self.name + "x"', 'self.ports.map(p, p.port)', 'dyn(self.name)'].map(expression => {
      const compiled = cel.compile(expression, { variables: typed })
      return compiled.ok && compiled.program.type
    })
    expect(types).toEqual(['bool', 'string', 'list<int>', 'dyn'])
  })
})

describe('what runs away is stopped', () => {
  const stopped = failing('operation cancelled: actual cost limit exceeded')
  test('nested loops', () => {
    const list = Array.from({ length: 1000 }, (_, at) => at)
    expect(evaluate('l.all(a, l.all(b, l.all(c, a + b + c >= 0)))', { l: 'dyn' }, { l: list })).toEqual(stopped)
  })
  test('text that doubles', () => {
    const doubled = Array.from({ length: 40 }).reduce<string>(inner => `cel.bind(x, ${inner}, x + x)`, '"aaaaaaaaaaaaaaaa"')
    expect(evaluate(doubled)).toEqual(stopped)
  })
  test('a regular expression that backtracks', () => {
    expect(evaluate(`"${'a'.repeat(40)}!".matches("^(a+)+$")`)).toBe(false)
  })
  test('all evaluations together keep to a budget', () => {
    const compiled = cel.compile('l.all(a, l.all(b, a + b >= 0))', { variables: { l: 'dyn' } })
    if (!compiled.ok) throw new Error(compiled.error)
    const l = cel.toCel(Array.from({ length: 100 }, (_, at) => at))
    const budget = { left: 100_000 }
    const results = [1, 2, 3].map(() => compiled.program.evaluate({ l }, budget).ok)
    expect(results).toEqual([true, false, false])
  })
})
