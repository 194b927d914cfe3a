/**
 * Sizes as Flink's configuration writes them ("64 mb", "128kb", "1024" = 1024 bytes), kept as bytes everywhere else.
 * Units are powers of 1024, as in Flink.
 */

const units: readonly (readonly string[])[] = [
  ['', 'b', 'bytes'],
  ['k', 'kb', 'kib', 'kibibytes'],
  ['m', 'mb', 'mib', 'mebibytes'],
  ['g', 'gb', 'gib', 'gibibytes'],
  ['t', 'tb', 'tib', 'tebibytes'],
]

/** Bytes of a size's text, or undefined when it is none. A number alone is bytes, as in Flink. */
export function parseMemorySize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  if (match === null) return undefined
  const power = units.findIndex((names) => names.includes(match[2]!.toLowerCase()))
  return power < 0 ? undefined : Math.floor(Number(match[1]) * 1024 ** power)
}

/** A size for people: "512 bytes", "64 mb", "1.5 gb"; it reads back as the same size where no digit was cut. */
export function formatMemorySize(sizeBytes: number): string {
  let power = 0
  while (power < units.length - 1 && sizeBytes >= 1024 ** (power + 1)) power++
  if (power === 0) return `${sizeBytes} bytes`
  return `${Number((sizeBytes / 1024 ** power).toFixed(2))} ${units[power]![1]}`
}
