/**
 * The module behind the `headrace` command: importing it runs the command line of this process, and ends it.
 */
import { runProcess } from './main.ts'

await runProcess()
// Whatever a program left open (a timer, a connection) does not keep a finished command alive.
process.exit()
