/**
 * How esbuild makes the task thread's one file: its entry together with the public API, which is what `headrace` means in a
 * thread. The local executor, which index.ts imports when a job is executed, stays out: a task thread executes none.
 */
export const threadBundle = {
  stdin: {
    contents: "export * from './index.ts'\nexport { default } from './cluster/taskmanager/task-thread.ts'\n",
    resolveDir: 'src',
    sourcefile: 'task-thread-with-api.ts',
    loader: 'ts',
  },
  external: ['./cluster/local/local-executor.ts'],
  bundle: true,
  outfile: 'dist/task-thread.js',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  packages: 'external',
  charset: 'utf8',
  legalComments: 'none',
}
