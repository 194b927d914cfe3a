export function descriptorText(): string
