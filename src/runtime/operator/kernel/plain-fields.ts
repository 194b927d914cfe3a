/** How many fields a plain object has; -1 for anything else. A call of it keeps the object from living in registers alone. */
export function plainFields(value: unknown): number {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return -1
  let count = 0
  for (const _ in value) count++
  return count
}
