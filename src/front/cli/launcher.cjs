#!/usr/bin/env node
/*
 * The `headrace` command. Written for Nodes of any age, so that one too old to run headrace says so in one line instead of
 * failing on syntax it does not know: nothing newer than ECMAScript 5 may stand here. Becomes dist/bin/headrace.js.
 */
var version = process.versions.node
if (process.platform === 'win32') {
  console.error('headrace: does not run on Windows itself. Run it inside WSL 2.')
  process.exit(1)
} else if (parseInt(version, 10) < 24) {
  console.error(
    'headrace: needs Node.js 24 or newer, this is ' + version + ' (' + process.execPath + '). Install a newer one, or: npm install node@24',
  )
  process.exit(1)
} else {
  require('./start.js')
}
