/**
 * Writes src/cluster/rpc/proto/descriptor.ts, the .proto files beside it as the JSON that protobufjs reads, so that no process parses
 * them when it starts. `node .build/proto.mjs`; `--check` says with its exit code whether the file is up to date.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const folder = fileURLToPath(new URL('../src/cluster/rpc/proto/', import.meta.url))
const target = `${folder}descriptor.ts`

export function descriptorText() {
  const root = new protobuf.Root()
  for (const name of readdirSync(folder)
    .filter((each) => each.endsWith('.proto'))
    .sort())
    protobuf.parse(readFileSync(folder + name, 'utf8'), root)
  root.resolveAll()
  const json = JSON.stringify(root.toJSON())
  return `/** Generated from the .proto files beside it by \`npm run proto\`: do not edit. */\nexport const descriptor = JSON.parse(\n  ${JSON.stringify(json).replaceAll("'", "\\'").replace(/^"|"$/g, "'").replaceAll('\\"', '"')},\n)\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--check')) writeFileSync(target, descriptorText())
  else if (readFileSync(target, 'utf8') !== descriptorText()) {
    process.stderr.write('src/cluster/rpc/proto/descriptor.ts is not what its .proto files say: run npm run proto\n')
    process.exitCode = 1
  }
}
