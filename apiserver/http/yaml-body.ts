import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, Parser, type Tags } from 'yaml'
import { deepestBody, isTooDeep } from '../body-limits.ts'

/** What a text in YAML says. */
export interface YamlBody {
  readonly value: unknown
  /** Which keys of a mapping are there twice, in upstream's words: `yaml: unmarshal errors:\n  line 3: key "a" already set in map`. */
  readonly duplicates?: string
}

/** Types of YAML 1.1 that Kubernetes takes for plain text, as sigs.k8s.io/yaml does. */
const plainText = new Set(['timestamp', 'binary', 'set', 'omap', 'pairs', 'intTime', 'floatTime'])

/** As many keys that come twice are told as for JSON. */
const mostTold = 100

/** More aliases than this, multiplied by what they stand for, are an attack. */
const mostAliases = 100

/**
 * The first document of a YAML text as JSON; of keys that come twice the last one counts. Throws an Error that says what is wrong with
 * the text. This is a file of its own because the parser is large and hardly ever needed.
 */
export function readYaml(text: string, findsDuplicates: boolean): YamlBody {
  const lines = new LineCounter()
  const customTags = (tags: Tags) => tags.filter(tag => typeof tag !== 'string' && !isPlainText(tag))
  const composer = new Composer({ version: '1.1', merge: true, uniqueKeys: false, customTags, logLevel: 'error' })
  const document = composer.compose(shallowTokens(text, lines)).next().value
  if (!document) return { value: undefined }
  const [error] = document.errors
  if (error) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new Error(`${error.message} at line ${line}, column ${col}`)
  }
  const value: unknown = document.toJS({ maxAliasCount: mostAliases })
  if (isTooDeep(value)) throw tooDeep() // aliases of aliases
  const found: string[] = []
  visit(document.contents as Node | null, lines, found)
  return found.length === 0 || !findsDuplicates
    ? { value }
    : { value, duplicates: `yaml: unmarshal errors:\n${found.join('\n')}` }
}

const tooDeep = () => new Error('exceeded max depth')

/** As the library's Parser.parse, but gives up on what is nested too deep before anything calls itself for each level. */
function* shallowTokens(text: string, lines: LineCounter) {
  lines.addNewLine(0)
  const parser = new Parser(lines.addNewLine)
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme)
    if (parser.stack.length > deepestBody) throw tooDeep()
  }
  yield* parser.end()
}

function isPlainText({ tag, identify, format }: { tag: string; identify?: unknown; format?: string }): boolean {
  const name = tag.replace('tag:yaml.org,2002:', '')
  return plainText.has(name) || (format === 'TIME' && identify !== undefined)
}

/** Finds what cannot be JSON, and keys that come twice. Inner mappings first, and the line is that of the value: go.yaml.in/yaml/v2 reads so. */
function visit(node: unknown, lines: LineCounter, found: string[]): void {
  if (isSeq(node)) for (const item of node.items) visit(item, lines, found)
  if (isScalar(node) && typeof node.value === 'number' && !Number.isFinite(node.value)) {
    throw new Error(`json: unsupported value: ${Number.isNaN(node.value) ? 'NaN' : node.value > 0 ? '+Inf' : '-Inf'}`)
  }
  if (!isMap(node)) return
  const seen = new Set<string>()
  for (const { key, value } of node.items) {
    visit(value, lines, found)
    if (!isScalar(key) || isAlias(key)) continue
    const name = String(key.value)
    if (seen.has(name) && found.length < mostTold) {
      const at = (value as Node | null)?.range?.[0] ?? key.range?.[0] ?? 0
      const shown = typeof key.value === 'string' ? JSON.stringify(name) : name
      found.push(`  line ${lines.linePos(at).line}: key ${shown} already set in map`)
    }
    seen.add(name)
  }
}
