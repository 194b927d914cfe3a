/*
 * Loads the command line on a Node that is new enough, with V8's compiled code kept between runs. Becomes dist/bin/start.js.
 */
require('node:module').enableCompileCache()
import('../cli.js')
