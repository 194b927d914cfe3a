/** The key of a row, as keyBy was told to find it. A field's key is its value; several fields' key is an object of them. */
import type { KeySpec } from '../../program/graph/operator-descriptor.ts'

export function keyOf(spec: KeySpec): (row: any) => unknown {
  switch (spec.kind) {
    case 'field': {
      const { field } = spec
      return (row) => row[field]
    }
    case 'fields': {
      const { fields } = spec
      return (row) => Object.fromEntries(fields.map((field) => [field, row[field]]))
    }
    case 'function':
      return spec.fn
  }
}
