/** The keys and values of -D. */
import { type ParsedOptions, UsageError } from './parse-options.ts'

export function definesOf({ options }: ParsedOptions): Record<string, string> {
  const defines: Record<string, string> = {}
  for (const pair of options.get('--define') ?? []) {
    const equals = pair.indexOf('=')
    if (equals < 1)
      throw new UsageError(`-D ${pair} has no value`, 'Write -D key=value, for example: -D execution.buffer-timeout.interval=5ms')
    defines[pair.slice(0, equals).trim()] = pair.slice(equals + 1)
  }
  return defines
}
