/**
 * Which cluster `headrace cluster start` has begun on this machine: a file that tells the other commands. One a folder.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { RestClient } from '../client/rest-client.ts'
import type { ParsedOptions } from './parse-options.ts'

export interface ClusterState {
  readonly restUrl: string
  readonly startedMs: number
  readonly logs: string
  /** The JobManager first. */
  readonly processes: readonly { readonly name: 'jobmanager' | 'taskmanager'; readonly pid: number }[]
}

/** ~/.headrace, or what HEADRACE_HOME says. */
export const homeFolder = (): string => process.env.HEADRACE_HOME ?? path.join(homedir(), '.headrace')

const stateFile = (): string => path.join(homeFolder(), 'cluster.json')

/** undefined: none was started, or it was stopped. */
export function readClusterState(): ClusterState | undefined {
  try {
    return JSON.parse(readFileSync(stateFile(), 'utf8')) as ClusterState
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

export function writeClusterState(state: ClusterState): void {
  mkdirSync(homeFolder(), { recursive: true })
  writeFileSync(`${stateFile()}.part`, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(`${stateFile()}.part`, stateFile())
}

export const removeClusterState = (): void => rmSync(stateFile(), { force: true })

/** The cluster that the command is about. */
export function clusterOf({ options }: ParsedOptions): RestClient {
  return new RestClient(options.get('--cluster')?.[0] ?? readClusterState()?.restUrl ?? 'http://127.0.0.1:8081')
}
