import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clusterConfig } from '../../../src/front/entrypoint/cluster-config.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), 'headrace-config-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const file = (text: string): string => {
  const name = path.join(folder, 'headrace.yaml')
  writeFileSync(name, text)
  return name
}

describe('the configuration of a cluster', () => {
  it('takes nested keys and keys with dots, and -D over both', () => {
    const name = file('rest:\n  port: 1234\njobmanager.rpc.port: 5000\nheartbeat.interval: 2 s\n')
    const { config } = clusterConfig(name, { 'rest.port': '4321' })
    expect(config).toEqual({ 'rest.port': 4321, 'jobmanager.rpc.port': 5000, 'heartbeat.interval': 2000 })
  })

  it('is empty without a file, and where the file is', () => {
    expect(clusterConfig(undefined, {}).config).toEqual({})
    expect(clusterConfig(file('# nothing\n'), {}).config).toEqual({})
  })

  it('refuses an unknown key with the file and the nearest one', () => {
    const name = file('rest.prot: 1\n')
    expect(() => clusterConfig(name, {})).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: `${name}: Unknown option rest.prot` }),
    )
    expect(() => clusterConfig(name, {})).toThrow(expect.objectContaining({ hint: expect.stringContaining('rest.port') }))
  })

  it('refuses what is no YAML, holds no keys or is not there', () => {
    expect(() => clusterConfig(file('a: [1'), {})).toThrow('is no YAML')
    expect(() => clusterConfig(file('- 1\n- 2\n'), {})).toThrow('holds no keys')
    expect(() => clusterConfig(path.join(folder, 'none.yaml'), {})).toThrow('cannot be read')
  })

  it('is quiet about keys that only one machine ignores, and tells those of a JVM', () => {
    const { warnings } = clusterConfig(file('rest.port: 1\nenv.java.opts.all: -Xmx1g\n'), {})
    expect(warnings).toEqual(['Ignored, since there is no JVM here: env.java.opts.all'])
  })
})
