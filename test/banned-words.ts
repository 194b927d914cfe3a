/**
 * Finds the words that program/, runtime/ and cluster/ may not say: what reads the machine's time, randomness, ports or
 * process. These reach managers and tasks through interfaces, so that a whole cluster can be simulated; only the adapters
 * listed here touch the real thing. Reads syntax, not text: a comment or a field called `process` is no offence.
 */
import ts from 'typescript'

export const bannedWords = {
  floors: ['program/', 'runtime/', 'cluster/'],
  /** Files, relative to src, that may say them: each wraps the real thing for the interface that everyone else is given. */
  adapters: [
    'cluster/dispatcher/fork-job-process.ts',
    'cluster/dispatcher/job-process-entry.ts',
    'cluster/taskmanager/network-thread.ts',
    'cluster/taskmanager/node-host.ts',
    'cluster/taskmanager/start-network-thread.ts',
    'cluster/taskmanager/thread-slots.ts',
  ] as readonly string[],
  globals: ['setTimeout', 'setInterval', 'setImmediate', 'performance', 'MessagePort', 'MessageChannel', 'BroadcastChannel', 'crypto'],
  members: ['Date.now', 'Math.random', 'Atomics.wait', 'process.*'],
  modules: ['timers', 'timers/promises', 'perf_hooks', 'worker_threads', 'process', 'child_process', 'cluster'],
  cryptoNames: ['randomBytes', 'randomInt', 'randomUUID', 'randomFill', 'randomFillSync', 'getRandomValues'],
} as const

export interface BannedWord {
  readonly line: number
  readonly word: string
}

/** The banned words of one source file; path is relative to src. */
export function bannedWordsIn(path: string, text: string, adapters: readonly string[] = bannedWords.adapters): BannedWord[] {
  if (!bannedWords.floors.some((floor) => path.startsWith(floor)) || adapters.includes(path)) return []
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found: BannedWord[] = []
  const visit = (node: ts.Node): void => {
    const word = wordOf(node)
    if (word !== undefined) found.push({ line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1, word })
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function wordOf(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return memberWord(node)
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) return 'new Date()'
  if (ts.isStringLiteral(node) && ts.isImportDeclaration(node.parent)) return moduleWord(node.text, node.parent)
  if (
    ts.isStringLiteral(node) ||
    ts.isTemplateHead(node) ||
    ts.isTemplateMiddle(node) ||
    ts.isTemplateTail(node) ||
    ts.isNoSubstitutionTemplateLiteral(node)
  ) {
    return /\b(Date\.now|Math\.random|performance\.now|setTimeout|setImmediate)(?=\()/.exec(node.text)?.[1]
  }
  if (ts.isIdentifier(node) && isGlobalUse(node)) return node.text
  return undefined
}

/** `Date.now` and the like; `process.x` only where x is a member of Node's process, as `process` is also a name of ours. */
function memberWord(node: ts.PropertyAccessExpression): string | undefined {
  const object = node.expression
  if (ts.isIdentifier(object) && object.text === 'globalThis' && (bannedWords.globals as readonly string[]).includes(node.name.text))
    return node.getText()
  if (ts.isIdentifier(object) && object.text === 'globalThis' && node.name.text === 'process') return node.getText()
  if (!ts.isIdentifier(object)) return undefined
  const word = `${object.text}.${node.name.text}`
  if ((bannedWords.members as readonly string[]).includes(word)) return word
  return object.text === 'process' && node.name.text in process ? word : undefined
}

function moduleWord(specifier: string, declaration: ts.ImportDeclaration): string | undefined {
  const name = specifier.replace(/^node:/, '')
  if ((bannedWords.modules as readonly string[]).includes(name)) return specifier
  if (name !== 'crypto') return undefined
  const bindings = declaration.importClause?.namedBindings
  if (bindings === undefined || !ts.isNamedImports(bindings)) return specifier
  const random = bindings.elements.find((element) =>
    (bannedWords.cryptoNames as readonly string[]).includes((element.propertyName ?? element.name).text),
  )
  return random === undefined ? undefined : `${specifier} ${random.name.text}`
}

/** A name used for its global meaning: not a member, a label of a property, or the name of something declared here. */
function isGlobalUse(node: ts.Identifier): boolean {
  if (!(bannedWords.globals as readonly string[]).includes(node.text)) return false
  const parent = node.parent
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false
  if (
    (ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodSignature(parent)) &&
    parent.name === node
  )
    return false
  return true
}
